package rollbook;

import java.io.IOException;

/** The file is not the one that its upload began with; nothing was sent. */
public final class SourceChangedException extends IOException {
  private static final long serialVersionUID = 1;

  SourceChangedException(String uploadId) {
    super("the file differs from what upload " + uploadId + " holds of it already");
  }
}
