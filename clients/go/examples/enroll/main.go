// Command enroll uploads a CSV file into a new profile and lets one of its devices switch on.
//
//	enroll PROFILE FILE IMEI
//
// ROLLBOOK_ADDRESS and ROLLBOOK_API_KEY say where the server is and who calls; ROLLBOOK_CA
// names the file of an authority of your own.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"rollbook.example/rollbook"
	rollbookv1 "rollbook.example/rollbook/v1"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: enroll PROFILE FILE IMEI")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, name, file, imei string) error {
	admin, err := connect(os.Getenv("ROLLBOOK_API_KEY"))
	if err != nil {
		return err
	}
	defer admin.Close()
	device, err := connect("") // a device has no key
	if err != nil {
		return err
	}
	defer device.Close()
	profile, err := createProfile(ctx, admin, name)
	if err != nil {
		return err
	}
	if err := upload(ctx, admin, profile.GetProfileId(), file); err != nil {
		return err
	}
	token, err := rollbookv1.NewTokenServiceClient(admin).RevealToken(
		ctx, &rollbookv1.RevealTokenRequest{ProfileId: profile.GetProfileId()})
	if err != nil {
		return err
	}
	return enroll(ctx, device, token.GetValue(), imei)
}

// explain puts the reason, which programs branch on, before the server's sentence.
func explain(err error) string {
	if reason := rollbook.Reason(err); reason != "" {
		return reason + ": " + status.Convert(err).Message()
	}
	return err.Error()
}

func connect(apiKey string) (*grpc.ClientConn, error) {
	options := rollbook.Options{APIKey: apiKey}
	if path := os.Getenv("ROLLBOOK_CA"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New(path + " holds no certificate")
		}
		options.TLS = &tls.Config{RootCAs: roots}
	}
	return rollbook.Connect(os.Getenv("ROLLBOOK_ADDRESS"), options)
}

func createProfile(
	ctx context.Context, admin *grpc.ClientConn, name string,
) (*rollbookv1.Profile, error) {
	request := &rollbookv1.CreateProfileRequest{Name: name}
	created, err := rollbookv1.NewProfileServiceClient(admin).CreateProfile(ctx, request)
	if err != nil {
		return nil, err
	}
	fmt.Println("profile", created.GetProfile().GetName())
	return created.GetProfile(), nil
}

func upload(ctx context.Context, admin *grpc.ClientConn, profileID, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	opening := &rollbookv1.UploadOpen{ProfileId: profileID, FileName: filepath.Base(path)}
	devices := rollbookv1.NewDeviceServiceClient(admin)
	upload, err := rollbook.UploadCSV(ctx, devices, opening, file)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows, %d created, %d rejected\n",
		upload.GetRowCount(), upload.GetCreatedCount(), upload.GetRejectedCount())
	for _, row := range upload.GetErrors() {
		fmt.Printf("line %d, %s: %s: %s\n",
			row.GetLine(), row.GetColumn(), row.GetReason(), row.GetMessage())
	}
	return nil
}

func enroll(ctx context.Context, device *grpc.ClientConn, token, imei string) error {
	answer, err := rollbookv1.NewEnrollmentServiceClient(device).EnrollDevice(
		ctx, &rollbookv1.EnrollDeviceRequest{Token: token, Imeis: []string{imei}})
	if err != nil {
		return err
	}
	outcome := strings.TrimPrefix(answer.GetOutcome().String(), "ENROLL_OUTCOME_")
	fmt.Println(outcome, answer.GetDeviceId(), answer.GetAttributes())
	return nil
}
