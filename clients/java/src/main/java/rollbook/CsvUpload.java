package rollbook;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32;
import rollbook.v1.DeviceServiceGrpc;
import rollbook.v1.GetUploadRequest;
import rollbook.v1.Upload;
import rollbook.v1.UploadCsv;
import rollbook.v1.UploadDevicesRequest;
import rollbook.v1.UploadFinish;
import rollbook.v1.UploadOpen;
import rollbook.v1.UploadState;

/** Carries one upload to its end over as many streams as it takes. */
final class CsvUpload {
  /** What the contract calls a good size. */
  private static final int CHUNK_BYTES = 256 * 1024;

  private final ManagedChannel channel;
  private final UploadOpen opening;
  private final Path file;
  private final Patience patience = new Patience();

  /** Whether the server may hold some of the upload already. */
  private boolean mayBeKnown;

  CsvUpload(ManagedChannel channel, UploadOpen opening, Path file) {
    this.channel = channel;
    this.file = file;
    this.mayBeKnown = !opening.getUploadId().isEmpty();
    this.opening =
        mayBeKnown
            ? opening
            : opening.toBuilder().setUploadId(UUID.randomUUID().toString()).build();
  }

  Upload run() throws IOException, InterruptedException {
    while (true) {
      try {
        return attempt();
      } catch (StatusRuntimeException failure) {
        if (!passes(failure)) {
          throw failure;
        }
        if (!patience.await(failure)) {
          throw new UploadIncompleteException(opening.getUploadId(), failure);
        }
        channel.resetConnectBackoff(); // the waiting is done here
      }
    }
  }

  private Upload attempt() throws IOException, InterruptedException {
    Upload known = mayBeKnown ? ask() : Upload.getDefaultInstance();
    mayBeKnown = true;
    CRC32 crc32 = new CRC32();
    try (InputStream source = Files.newInputStream(file)) {
      skip(source, known, crc32);
      patience.reached(known.getCommittedOffset());
      Upload upload = stream(source, known.getCommittedOffset(), crc32);
      if (upload == null || upload.getState() == UploadState.UPLOAD_STATE_OPEN) {
        throw Status.UNAVAILABLE
            .withDescription("the stream ended before the upload did")
            .asRuntimeException();
      }
      return upload;
    }
  }

  /**
   * Gives the upload as the server knows it: none of it to a key that may upload but not look,
   * which sends from the start then, and the server skips.
   */
  private Upload ask() {
    GetUploadRequest request =
        GetUploadRequest.newBuilder().setUploadId(opening.getUploadId()).build();
    Upload upload = Upload.getDefaultInstance();
    try {
      upload = DeviceServiceGrpc.newBlockingStub(channel).getUpload(request).getUpload();
    } catch (StatusRuntimeException failure) {
      switch (failure.getStatus().getCode()) {
        case NOT_FOUND, PERMISSION_DENIED -> {}
        default -> throw failure;
      }
    }
    patience.heard();
    return isContinued(upload) ? upload : Upload.getDefaultInstance();
  }

  /** Tells whether what is committed is still the beginning of the file. */
  private static boolean isContinued(Upload upload) {
    return upload.getState() == UploadState.UPLOAD_STATE_OPEN
        || upload.getState() == UploadState.UPLOAD_STATE_FINISHED;
  }

  /** Goes to the committed position, comparing what lies before it: all, if it is finished. */
  private void skip(InputStream source, Upload known, CRC32 crc32) throws IOException {
    for (long left = known.getCommittedOffset(); left > 0; ) {
      byte[] data = source.readNBytes((int) Math.min(CHUNK_BYTES, left));
      if (data.length == 0) {
        throw new SourceChangedException(opening.getUploadId());
      }
      crc32.update(data);
      left -= data.length;
    }
    boolean mustEnd = known.getState() == UploadState.UPLOAD_STATE_FINISHED;
    if ((int) crc32.getValue() != known.getCommittedCrc32() || mustEnd && source.read() >= 0) {
      throw new SourceChangedException(opening.getUploadId());
    }
  }

  private Upload stream(InputStream source, long offset, CRC32 crc32)
      throws IOException, InterruptedException {
    UploadStream stream = UploadStream.begin(DeviceServiceGrpc.newStub(channel));
    try {
      boolean open = stream.send(UploadDevicesRequest.newBuilder().setOpen(opening).build());
      byte[] data;
      while (open && (data = source.readNBytes(CHUNK_BYTES)).length > 0) {
        open = stream.send(chunk(offset, data));
        crc32.update(data);
        offset += data.length;
      }
      if (open) {
        stream.send(finish(offset, crc32));
      }
      return stream.answer();
    } finally {
      stream.cancel();
    }
  }

  private static UploadDevicesRequest chunk(long offset, byte[] data) {
    UploadCsv csv =
        UploadCsv.newBuilder().setOffset(offset).setData(ByteString.copyFrom(data)).build();
    return UploadDevicesRequest.newBuilder().setCsv(csv).build();
  }

  private static UploadDevicesRequest finish(long offset, CRC32 crc32) {
    UploadFinish finish =
        UploadFinish.newBuilder().setTotalBytes(offset).setCrc32((int) crc32.getValue()).build();
    return UploadDevicesRequest.newBuilder().setFinish(finish).build();
  }

  /** Tells whether another stream may succeed where this one failed. */
  private static boolean passes(StatusRuntimeException failure) {
    String reason = Reason.of(failure);
    return switch (failure.getStatus().getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> true;
      case OUT_OF_RANGE -> reason.equals("UPLOAD_GAP");
      case ABORTED -> reason.equals("OUTCOME_UNKNOWN"); // it can be asked for by now
      case RESOURCE_EXHAUSTED -> Reason.retryAfter(failure).isPresent();
      case INTERNAL -> reason.isEmpty(); // a stream that was reset, not a fault of the server
      default -> false;
    };
  }
}
