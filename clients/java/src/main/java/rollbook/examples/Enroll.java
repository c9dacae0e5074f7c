package rollbook.examples;

import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import rollbook.Reason;
import rollbook.Rollbook;
import rollbook.UploadIncompleteException;
import rollbook.v1.CreateProfileRequest;
import rollbook.v1.EnrollDeviceRequest;
import rollbook.v1.EnrollDeviceResponse;
import rollbook.v1.Profile;
import rollbook.v1.RevealTokenRequest;
import rollbook.v1.RowError;
import rollbook.v1.Upload;
import rollbook.v1.UploadOpen;

/**
 * Uploads a CSV file into a new profile and lets one of its devices switch on.
 *
 * <p>ROLLBOOK_ADDRESS and ROLLBOOK_API_KEY say where the server is and who calls; ROLLBOOK_CA
 * names the file of an authority of your own.
 */
public final class Enroll {
  private Enroll() {}

  public static void main(String[] words) throws InterruptedException {
    if (words.length != 3) {
      System.err.println("usage: Enroll PROFILE FILE IMEI");
      System.exit(2);
    }
    try (Rollbook admin = connection().apiKey(setting("ROLLBOOK_API_KEY")).build();
        Rollbook device = connection().build()) { // a device has no key
      Profile profile = createProfile(admin, words[0]);
      upload(admin, profile, Path.of(words[1]));
      enroll(device, reveal(admin, profile), words[2]);
    } catch (StatusRuntimeException failure) {
      fail(explain(failure));
    } catch (NoSuchFileException failure) {
      fail("there is no file " + failure.getMessage());
    } catch (IOException | IllegalArgumentException | UploadIncompleteException failure) {
      fail(failure.getMessage());
    }
  }

  private static Rollbook.Builder connection() {
    Rollbook.Builder builder = Rollbook.builder(setting("ROLLBOOK_ADDRESS"));
    String authorities = setting("ROLLBOOK_CA");
    return authorities.isEmpty() ? builder : builder.authorities(Path.of(authorities));
  }

  private static String setting(String name) {
    return System.getenv().getOrDefault(name, "");
  }

  private static Profile createProfile(Rollbook admin, String name) {
    CreateProfileRequest request = CreateProfileRequest.newBuilder().setName(name).build();
    Profile profile = admin.profiles().createProfile(request).getProfile();
    System.out.println("profile " + profile.getName());
    return profile;
  }

  private static void upload(Rollbook admin, Profile profile, Path file)
      throws IOException, InterruptedException {
    UploadOpen opening =
        UploadOpen.newBuilder()
            .setProfileId(profile.getProfileId())
            .setFileName(file.getFileName().toString())
            .build();
    Upload upload = admin.uploadCsv(opening, file);
    System.out.printf(
        "%d rows, %d created, %d rejected%n",
        upload.getRowCount(), upload.getCreatedCount(), upload.getRejectedCount());
    for (RowError row : upload.getErrorsList()) {
      System.out.printf(
          "line %d, %s: %s: %s%n",
          row.getLine(), row.getColumn(), row.getReason(), row.getMessage());
    }
  }

  private static String reveal(Rollbook admin, Profile profile) {
    RevealTokenRequest request =
        RevealTokenRequest.newBuilder().setProfileId(profile.getProfileId()).build();
    return admin.tokens().revealToken(request).getValue();
  }

  private static void enroll(Rollbook device, String token, String imei) {
    EnrollDeviceRequest request =
        EnrollDeviceRequest.newBuilder().setToken(token).addImeis(imei).build();
    EnrollDeviceResponse answer = device.enrollment().enrollDevice(request);
    System.out.println(
        answer.getOutcome() + " " + answer.getDeviceId() + " " + answer.getAttributesMap());
  }

  /** Puts the reason, which programs branch on, before the server's sentence. */
  private static String explain(StatusRuntimeException failure) {
    String reason = Reason.of(failure);
    return reason.isEmpty()
        ? failure.getMessage()
        : reason + ": " + failure.getStatus().getDescription();
  }

  private static void fail(String message) {
    System.err.println(message);
    System.exit(1);
  }
}
