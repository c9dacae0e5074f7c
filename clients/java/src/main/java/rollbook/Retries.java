package rollbook;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import rollbook.v1.AccessServiceGrpc;
import rollbook.v1.AuditServiceGrpc;
import rollbook.v1.DeviceServiceGrpc;
import rollbook.v1.EnrollmentServiceGrpc;
import rollbook.v1.ProfileServiceGrpc;
import rollbook.v1.TokenServiceGrpc;
import rollbook.v1.UserServiceGrpc;

/**
 * Which calls gRPC repeats: every unary one, for each is safe to repeat. A stream that broke is
 * not repeated from memory; {@link CsvUpload} goes on where the server's record of it ends.
 */
final class Retries {
  private static final Map<String, ?> POLICY =
      Map.of(
          "maxAttempts", 5.0,
          "initialBackoff", "0.1s",
          "maxBackoff", "2s",
          "backoffMultiplier", 2.0,
          // A server that stops answers CANCELLED to what reaches it in that moment.
          "retryableStatusCodes", List.of("UNAVAILABLE", "CANCELLED"));

  private Retries() {}

  static Map<String, ?> serviceConfig() {
    List<?> streams =
        Stream.of("UploadDevices", "ExportDevices")
            .map(method -> Map.of("service", DeviceServiceGrpc.SERVICE_NAME, "method", method))
            .toList();
    List<?> services =
        Stream.of(
                AccessServiceGrpc.SERVICE_NAME,
                AuditServiceGrpc.SERVICE_NAME,
                DeviceServiceGrpc.SERVICE_NAME,
                EnrollmentServiceGrpc.SERVICE_NAME,
                ProfileServiceGrpc.SERVICE_NAME,
                TokenServiceGrpc.SERVICE_NAME,
                UserServiceGrpc.SERVICE_NAME)
            .map(service -> Map.of("service", service))
            .toList();
    return Map.of(
        "methodConfig",
        List.of(Map.of("name", streams), Map.of("name", services, "retryPolicy", POLICY)));
  }
}
