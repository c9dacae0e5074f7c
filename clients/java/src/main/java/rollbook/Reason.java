package rollbook;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;

/** Tells why a call failed. */
public final class Reason {
  private Reason() {}

  /**
   * Gives the name of an ErrorReason without its prefix, such as "PROFILE_NAME_TAKEN"; empty
   * where the failure is not the server's word, such as a broken connection. Branch on it; the
   * description of the status is for people.
   */
  public static String of(Throwable failure) {
    return detail(failure, ErrorInfo.class)
        .filter(info -> info.getDomain().equals("rollbook"))
        .map(ErrorInfo::getReason)
        .orElse("");
  }

  /**
   * Gives the detail of a failed call that has this type: {@link ErrorInfo},
   * {@link com.google.rpc.BadRequest}, which names the fields that are wrong, or
   * {@link RetryInfo}.
   */
  public static <T extends Message> Optional<T> detail(Throwable failure, Class<T> type) {
    Status status = StatusProto.fromThrowable(failure);
    if (status == null) {
      return Optional.empty();
    }
    for (Any packed : status.getDetailsList()) {
      if (packed.is(type)) {
        return unpack(packed, type);
      }
    }
    return Optional.empty();
  }

  /** Gives how long the server asks to wait. */
  static Optional<Duration> retryAfter(Throwable failure) {
    return detail(failure, RetryInfo.class)
        .map(RetryInfo::getRetryDelay)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
  }

  private static <T extends Message> Optional<T> unpack(Any packed, Class<T> type) {
    try {
      return Optional.of(packed.unpack(type));
    } catch (InvalidProtocolBufferException mangled) { // by something in between
      return Optional.empty();
    }
  }
}
