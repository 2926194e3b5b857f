package org.sparktune.jobs.dl4j;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;

/**
 * Objects as bytes by Java's own serialization. Whatever serializer a session is set to, it moves
 * bytes unharmed; networks and arrays do not survive Kryo.
 */
final class JavaBytes {
  private JavaBytes() {}

  static byte[] write(Serializable object) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be serialized".formatted(object.getClass()), e);
    }
    return bytes.toByteArray();
  }

  static <T> T read(byte[] bytes, Class<T> type) {
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes)) {
          @Override
          protected Class<?> resolveClass(java.io.ObjectStreamClass description)
              throws IOException, ClassNotFoundException {
            // Classes of a user's jars are known to the thread's loader only.
            ClassLoader loader = Thread.currentThread().getContextClassLoader();
            try {
              return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException notThere) {
              return super.resolveClass(description);
            }
          }
        }) {
      return type.cast(in.readObject());
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be read".formatted(type), e);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("This process lacks a class of the driver's", e);
    }
  }
}
