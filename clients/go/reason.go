package rollbook

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Reason gives why a call failed, as a name of ErrorReason without its prefix, such as
// "PROFILE_NAME_TAKEN". It is empty where the failure is not the server's word, such as a
// broken connection. Branch on it; status.Convert(err).Message() is for people.
func Reason(err error) string {
	info, ok := Detail[*errdetails.ErrorInfo](err)
	if !ok || info.GetDomain() != "rollbook" {
		return ""
	}
	return info.GetReason()
}

// Detail gives the detail of a failed call that has the type T: *errdetails.ErrorInfo,
// *errdetails.BadRequest, which names the fields that are wrong, or *errdetails.RetryInfo.
func Detail[T proto.Message](err error) (T, bool) {
	for _, detail := range status.Convert(err).Details() {
		if found, ok := detail.(T); ok {
			return found, true
		}
	}
	var none T
	return none, false
}

// retryAfter gives how long the server asks to wait; false if it does not.
func retryAfter(err error) (time.Duration, bool) {
	info, ok := Detail[*errdetails.RetryInfo](err)
	return info.GetRetryDelay().AsDuration(), ok
}
