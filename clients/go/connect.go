// Package rollbook connects to a Rollbook server, uploads CSV files that survive broken
// connections, and tells why a call failed. The calls themselves are those of the generated
// package rollbook.example/rollbook/v1.
package rollbook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// Options say how to speak to a server. The zero value is what a device agent needs.
type Options struct {
	// APIKey is sent with every call. Device agents have none.
	APIKey string
	// TLS overrules what Connect chooses, for an authority of your own for example.
	TLS *tls.Config
	// Plaintext lets calls, and the API key in them, leave this machine unencrypted.
	Plaintext bool
}

// Of unary calls each is safe to repeat, also if the server answers CANCELLED to what reaches it
// in the moment in which it stops. A stream that broke is not repeated from memory:
// UploadCSV goes on where the server's record of it ends.
const serviceConfig = `{"methodConfig": [
  {"name": [{"service": "rollbook.v1.DeviceService", "method": "UploadDevices"},
            {"service": "rollbook.v1.DeviceService", "method": "ExportDevices"}]},
  {"name": [{"service": "rollbook.v1.AccessService"}, {"service": "rollbook.v1.AuditService"},
            {"service": "rollbook.v1.DeviceService"}, {"service": "rollbook.v1.EnrollmentService"},
            {"service": "rollbook.v1.ProfileService"}, {"service": "rollbook.v1.TokenService"},
            {"service": "rollbook.v1.UserService"}],
   "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s",
                   "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}]}`

// A server that was restarted is looked for at least this often; gRPC would wait two minutes.
const longestReconnect = 5 * time.Second

// The server takes no more than one ping in 30 seconds.
const pingEvery = time.Minute

// Connect gives a connection to HOST:PORT, which is made with the first call; close it.
//
// It speaks TLS with the system's authorities, but plaintext on loopback unless TLS is set.
func Connect(address string, options Options) (*grpc.ClientConn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("rollbook: %q is no address, write HOST:PORT: %w", address, err)
	}
	key, err := cleaned(options.APIKey)
	if err != nil {
		return nil, err
	}
	plaintext := options.TLS == nil && (options.Plaintext || isLoopback(host))
	dialed := []grpc.DialOption{
		grpc.WithTransportCredentials(transport(options.TLS, plaintext)),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnects()}),
	}
	if key != "" {
		dialed = append(dialed, grpc.WithPerRPCCredentials(bearer{key, !plaintext}))
	}
	return grpc.NewClient(address, dialed...)
}

// cleaned takes from a key what a file has around it, and refuses what no key has in it.
func cleaned(key string) (string, error) {
	key = strings.TrimSpace(key)
	for _, letter := range key {
		if letter <= ' ' || letter > '~' {
			return "", errors.New("rollbook: the API key holds characters that no API key has")
		}
	}
	return key, nil
}

func transport(config *tls.Config, plaintext bool) credentials.TransportCredentials {
	if plaintext {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(config)
}

func reconnects() backoff.Config {
	config := backoff.DefaultConfig
	config.BaseDelay = 100 * time.Millisecond
	config.MaxDelay = longestReconnect
	return config
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// bearer adds the API key to calls.
type bearer struct {
	key    string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.key}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
