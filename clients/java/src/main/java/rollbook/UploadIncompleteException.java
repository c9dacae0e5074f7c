package rollbook;

/** An upload got no further and was given up; its cause is the last failure. */
public final class UploadIncompleteException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String uploadId;

  UploadIncompleteException(String uploadId, Throwable cause) {
    super(
        "upload " + uploadId + " is incomplete; upload the same file with its id to go on", cause);
    this.uploadId = uploadId;
  }

  /** With it in the opening, and the same file, another call goes on. */
  public String uploadId() {
    return uploadId;
  }
}
