package rollbook;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import rollbook.v1.DeviceServiceGrpc.DeviceServiceStub;
import rollbook.v1.Upload;
import rollbook.v1.UploadDevicesRequest;
import rollbook.v1.UploadDevicesResponse;

/** One stream of an upload: sends no faster than the server takes, and waits for the answer. */
final class UploadStream
    implements ClientResponseObserver<UploadDevicesRequest, UploadDevicesResponse> {
  private ClientCallStreamObserver<UploadDevicesRequest> requests;
  private Upload upload;
  private Throwable failure;
  private boolean ended;

  static UploadStream begin(DeviceServiceStub devices) {
    UploadStream stream = new UploadStream();
    devices.uploadDevices(stream);
    return stream;
  }

  /** Sends a message once there is room for it; false if the server has ended the stream. */
  synchronized boolean send(UploadDevicesRequest message) throws InterruptedException {
    while (!ended && !requests.isReady()) {
      wait();
    }
    if (!ended) {
      requests.onNext(message);
    }
    return !ended;
  }

  /** Says that no more comes, and gives the server's answer; null if it ended without one. */
  synchronized Upload answer() throws InterruptedException {
    if (!ended) {
      requests.onCompleted();
    }
    while (!ended) {
      wait();
    }
    if (failure instanceof RuntimeException refused) {
      throw refused;
    }
    return upload;
  }

  /** Ends the stream without an answer; the upload stays OPEN. Without effect at its end. */
  void cancel() {
    requests.cancel("the client ended it", null);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<UploadDevicesRequest> requests) {
    this.requests = requests;
    requests.setOnReadyHandler(this::wake);
  }

  @Override
  public synchronized void onNext(UploadDevicesResponse response) {
    upload = response.getUpload();
  }

  @Override
  public synchronized void onError(Throwable failure) {
    this.failure = failure;
    onCompleted();
  }

  @Override
  public synchronized void onCompleted() {
    ended = true;
    notifyAll();
  }

  private synchronized void wake() {
    notifyAll();
  }
}
