package rollbook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	rollbookv1 "rollbook.example/rollbook/v1"
)

// ErrSourceChanged says that a file is not the one that its upload began with.
var ErrSourceChanged = errors.New("the file differs from what the upload holds of it already")

// What the contract calls a good size.
const chunkBytes = 256 * 1024

// UploadCSV brings a CSV file into a profile and gives the upload once it is FINISHED.
//
// A connection that breaks is taken up again at the committed position, until nothing more
// was committed for five minutes or ctx is done. The error then names the upload's id: with
// it in opening.UploadId and the same file another call, also of another process, goes on.
// Without one a random id is chosen. Rejected rows are no error, see RejectedCount and Errors
// of the upload. Where the server refuses, Reason tells why.
func UploadCSV(
	ctx context.Context,
	devices rollbookv1.DeviceServiceClient,
	opening *rollbookv1.UploadOpen,
	source io.ReadSeeker,
) (*rollbookv1.Upload, error) {
	begun := opening.GetUploadId() != ""
	opening = proto.CloneOf(opening)
	if !begun {
		opening.UploadId = rand.Text()
	}
	courier := &courier{devices: devices, opening: opening, source: source, mayBeKnown: begun}
	upload, err := courier.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("rollbook: upload %s: %w", opening.GetUploadId(), err)
	}
	return upload, nil
}

// courier carries one upload to its end over as many streams as it takes.
type courier struct {
	devices    rollbookv1.DeviceServiceClient
	opening    *rollbookv1.UploadOpen
	source     io.ReadSeeker
	mayBeKnown bool // the server may hold some of the upload already
	patience   patience
	offset     int64
	crc32      uint32
}

func (c *courier) run(ctx context.Context) (*rollbookv1.Upload, error) {
	for {
		upload, err := c.attempt(ctx)
		if err == nil {
			return upload, nil
		}
		if ctx.Err() != nil || !passes(err) {
			return nil, err
		}
		if waited := c.patience.wait(ctx, err); waited != nil {
			return nil, fmt.Errorf("is incomplete, begin it again with its id: %w", waited)
		}
	}
}

func (c *courier) attempt(ctx context.Context) (*rollbookv1.Upload, error) {
	if err := c.takeUp(ctx); err != nil {
		return nil, err
	}
	c.mayBeKnown = true
	ctx, cancel := context.WithCancel(ctx) // ends the stream if the source cannot be read
	defer cancel()
	stream, err := c.devices.UploadDevices(ctx)
	if err != nil {
		return nil, err
	}
	// io.EOF says that the server has ended the stream; why, it says in its answer.
	if err := c.send(stream); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	if answer.GetUpload().GetState() == rollbookv1.UploadState_UPLOAD_STATE_OPEN {
		return nil, status.Error(codes.Unavailable, "the stream ended before the upload did")
	}
	return answer.GetUpload(), nil
}

// takeUp goes to the committed position, comparing what lies before it.
func (c *courier) takeUp(ctx context.Context) error {
	upload, err := c.ask(ctx)
	if err != nil {
		return err
	}
	if _, err := c.source.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	committed := upload.GetCommittedOffset()
	if _, err := io.CopyN(sum, c.source, committed); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if err != nil || sum.Sum32() != upload.GetCommittedCrc32() {
		return ErrSourceChanged
	}
	if err := c.expectEnd(upload.GetState()); err != nil {
		return err
	}
	c.patience.reached(committed)
	c.offset, c.crc32 = committed, sum.Sum32()
	return nil
}

// expectEnd sees to it that nothing follows what a finished upload holds.
func (c *courier) expectEnd(state rollbookv1.UploadState) error {
	if state != rollbookv1.UploadState_UPLOAD_STATE_FINISHED {
		return nil
	}
	_, err := io.ReadFull(c.source, make([]byte, 1))
	if err == nil {
		return ErrSourceChanged
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ask gives the upload as the server knows it: none of it at first, or to a key that may
// upload but not look, which sends from the start then, and the server skips.
func (c *courier) ask(ctx context.Context) (*rollbookv1.Upload, error) {
	if !c.mayBeKnown {
		return nil, nil
	}
	request := &rollbookv1.GetUploadRequest{UploadId: c.opening.GetUploadId()}
	answer, err := c.devices.GetUpload(ctx, request)
	if code := status.Code(err); code == codes.NotFound || code == codes.PermissionDenied {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	c.patience.heard = true
	if !isContinued(answer.GetUpload().GetState()) {
		return nil, nil
	}
	return answer.GetUpload(), nil
}

// isContinued tells whether what is committed is still the beginning of the file.
func isContinued(state rollbookv1.UploadState) bool {
	return state == rollbookv1.UploadState_UPLOAD_STATE_OPEN ||
		state == rollbookv1.UploadState_UPLOAD_STATE_FINISHED
}

type requests interface {
	Send(*rollbookv1.UploadDevicesRequest) error
}

func (c *courier) send(stream requests) error {
	open := &rollbookv1.UploadDevicesRequest_Open{Open: c.opening}
	if err := stream.Send(&rollbookv1.UploadDevicesRequest{Message: open}); err != nil {
		return err
	}
	for {
		data := make([]byte, chunkBytes)
		length, err := io.ReadFull(c.source, data)
		if length == 0 && errors.Is(err, io.EOF) {
			return c.finish(stream)
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("reading the file: %w", err)
		}
		if err := c.sendChunk(stream, data[:length]); err != nil {
			return err
		}
	}
}

func (c *courier) sendChunk(stream requests, data []byte) error {
	chunk := &rollbookv1.UploadCsv{Offset: c.offset, Data: data}
	c.offset += int64(len(data))
	c.crc32 = crc32.Update(c.crc32, crc32.IEEETable, data)
	return stream.Send(&rollbookv1.UploadDevicesRequest{
		Message: &rollbookv1.UploadDevicesRequest_Csv{Csv: chunk},
	})
}

func (c *courier) finish(stream requests) error {
	finish := &rollbookv1.UploadFinish{
		Total: &rollbookv1.UploadFinish_TotalBytes{TotalBytes: c.offset},
		Crc32: proto.Uint32(c.crc32),
	}
	return stream.Send(&rollbookv1.UploadDevicesRequest{
		Message: &rollbookv1.UploadDevicesRequest_Finish{Finish: finish},
	})
}

// passes tells whether another stream may succeed where this one failed.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return true
	case codes.OutOfRange:
		return Reason(err) == "UPLOAD_GAP"
	case codes.Aborted:
		return Reason(err) == "OUTCOME_UNKNOWN" // it can be asked for by now
	case codes.ResourceExhausted:
		_, told := retryAfter(err)
		return told
	case codes.Internal:
		return Reason(err) == "" // a stream that was reset, not a fault that the server reports
	}
	return false
}
