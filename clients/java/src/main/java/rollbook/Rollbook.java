package rollbook;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import rollbook.v1.AccessServiceGrpc;
import rollbook.v1.AuditServiceGrpc;
import rollbook.v1.DeviceServiceGrpc;
import rollbook.v1.EnrollmentServiceGrpc;
import rollbook.v1.ProfileServiceGrpc;
import rollbook.v1.TokenServiceGrpc;
import rollbook.v1.Upload;
import rollbook.v1.UploadOpen;
import rollbook.v1.UserServiceGrpc;

/**
 * One connection to a Rollbook server, with a blocking stub for each service; close it.
 *
 * <p>Stubs of other kinds are made over {@link #channel}. Calls fail with
 * {@link io.grpc.StatusRuntimeException}, of which {@link Reason#of} tells why.
 */
public final class Rollbook implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;

  private Rollbook(ManagedChannel channel) {
    this.channel = channel;
  }

  /** Says where the server is, HOST:PORT; without more it is what a device agent needs. */
  public static Builder builder(String address) {
    return new Builder(address);
  }

  public AccessServiceGrpc.AccessServiceBlockingStub access() {
    return AccessServiceGrpc.newBlockingStub(channel);
  }

  public AuditServiceGrpc.AuditServiceBlockingStub audit() {
    return AuditServiceGrpc.newBlockingStub(channel);
  }

  public DeviceServiceGrpc.DeviceServiceBlockingStub devices() {
    return DeviceServiceGrpc.newBlockingStub(channel);
  }

  public EnrollmentServiceGrpc.EnrollmentServiceBlockingStub enrollment() {
    return EnrollmentServiceGrpc.newBlockingStub(channel);
  }

  public ProfileServiceGrpc.ProfileServiceBlockingStub profiles() {
    return ProfileServiceGrpc.newBlockingStub(channel);
  }

  public TokenServiceGrpc.TokenServiceBlockingStub tokens() {
    return TokenServiceGrpc.newBlockingStub(channel);
  }

  public UserServiceGrpc.UserServiceBlockingStub users() {
    return UserServiceGrpc.newBlockingStub(channel);
  }

  /** For stubs that do not block, and for deadlines and headers of your own. */
  public ManagedChannel channel() {
    return channel;
  }

  /**
   * Brings a CSV file into a profile and gives the upload once it is FINISHED.
   *
   * <p>A connection that breaks is taken up again at the committed position, until nothing more
   * was committed for five minutes. Rejected rows are no error: see rejectedCount and errors of
   * the upload.
   *
   * @param opening without an id of the upload a random one is chosen
   * @throws UploadIncompleteException if it got no further; with its id and the same file
   *     another call, also of another process, goes on
   * @throws SourceChangedException if the file is not the one that the upload began with
   * @throws IOException if the file cannot be read; the upload can be taken up again
   */
  public Upload uploadCsv(UploadOpen opening, Path file) throws IOException, InterruptedException {
    return new CsvUpload(channel, opening, file).run();
  }

  /** Ends the connection; calls under way fail. */
  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** How to speak to a server. */
  public static final class Builder {
    private static final Pattern ADDRESS =
        Pattern.compile("(?:(?<name>[^\\s/:\\[\\]]+)|\\[(?<v6>[^\\s/\\[\\]]+)]):\\d{1,5}");

    private final String address;
    private final String host;
    private String apiKey = "";
    private File authorities;
    private boolean plaintext;

    private Builder(String address) {
      Matcher found = ADDRESS.matcher(address);
      if (!found.matches()) {
        throw new IllegalArgumentException("\"" + address + "\" is no address: write HOST:PORT");
      }
      this.address = address;
      this.host = found.group("name") != null ? found.group("name") : found.group("v6");
    }

    /** Sends the key with every call. Device agents have none. */
    public Builder apiKey(String apiKey) {
      this.apiKey = apiKey.strip();
      if (!this.apiKey.matches("[!-~]*")) {
        throw new IllegalArgumentException("the API key holds characters that no API key has");
      }
      return this;
    }

    /** Trusts the authorities of a PEM file instead of those of Java; implies TLS. */
    public Builder authorities(Path pem) {
      this.authorities = pem.toFile();
      return this;
    }

    /** Lets calls, and the API key in them, leave this machine unencrypted. */
    public Builder plaintext() {
      this.plaintext = true;
      return this;
    }

    /**
     * Gives the connection, which is made with the first call: plaintext on loopback unless
     * authorities are set, TLS elsewhere.
     */
    public Rollbook build() throws IOException {
      ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(address, credentials());
      // The server takes no more than one ping in 30 seconds.
      channel.keepAliveTime(1, TimeUnit.MINUTES);
      channel.defaultServiceConfig(Retries.serviceConfig());
      if (!apiKey.isEmpty()) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + apiKey);
        channel.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
      }
      return new Rollbook(channel.build());
    }

    private ChannelCredentials credentials() throws IOException {
      if (authorities != null) {
        return TlsChannelCredentials.newBuilder().trustManager(authorities).build();
      }
      return plaintext || isLoopback(host)
          ? InsecureChannelCredentials.create()
          : TlsChannelCredentials.create();
    }

    private static boolean isLoopback(String host) {
      return host.equals("localhost") || host.equals("::1") || host.matches("127(\\.\\d{1,3}){3}");
    }
  }
}
