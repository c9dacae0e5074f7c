import { isIP } from "node:net";

import {
  type Channel,
  ChannelCredentials,
  type Client,
  Metadata,
  createChannel,
  createClientFactory,
} from "nice-grpc";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";

import { AccessServiceDefinition } from "./generated/rollbook/v1/access_service.js";
import { AuditServiceDefinition } from "./generated/rollbook/v1/audit_service.js";
import { DeviceServiceDefinition } from "./generated/rollbook/v1/device_service.js";
import { EnrollmentServiceDefinition } from "./generated/rollbook/v1/enrollment_service.js";
import { ProfileServiceDefinition } from "./generated/rollbook/v1/profile_service.js";
import { TokenServiceDefinition } from "./generated/rollbook/v1/token_service.js";
import { UserServiceDefinition } from "./generated/rollbook/v1/user_service.js";

/** How to speak to a server. A device agent needs none of it. */
export interface Options {
  /** Sent with every call. Device agents have none. */
  apiKey?: string;
  /** PEM of the authorities to trust instead of well-known ones; implies TLS. */
  rootCertificates?: Buffer;
  /** Lets calls, and the API key in them, leave this machine unencrypted. */
  plaintext?: boolean;
}

/** One connection, with a client for each service of the contract. Close it. */
export interface Rollbook {
  readonly access: Client<typeof AccessServiceDefinition>;
  readonly audit: Client<typeof AuditServiceDefinition>;
  readonly devices: Client<typeof DeviceServiceDefinition>;
  readonly enrollment: Client<typeof EnrollmentServiceDefinition>;
  readonly profiles: Client<typeof ProfileServiceDefinition>;
  readonly tokens: Client<typeof TokenServiceDefinition>;
  readonly users: Client<typeof UserServiceDefinition>;
  /** Ends the connection; calls under way fail. */
  close(): void;
}

// Of unary calls each is safe to repeat. A stream that broke is not repeated from memory:
// uploadCsv goes on where the server's record of it ends.
const SERVICE_CONFIG = {
  methodConfig: [
    {
      name: ["UploadDevices", "ExportDevices"].map((method) => ({
        service: DeviceServiceDefinition.fullName,
        method,
      })),
    },
    {
      name: [
        AccessServiceDefinition,
        AuditServiceDefinition,
        DeviceServiceDefinition,
        EnrollmentServiceDefinition,
        ProfileServiceDefinition,
        TokenServiceDefinition,
        UserServiceDefinition,
      ].map(({ fullName }) => ({ service: fullName })),
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        // A server that stops answers CANCELLED to what reaches it in that moment.
        retryableStatusCodes: ["UNAVAILABLE", "CANCELLED"],
      },
    },
  ],
};

/**
 * Gives a connection to HOST:PORT, which is made with the first call.
 *
 * It speaks TLS with the well-known authorities, but plaintext on loopback unless
 * `rootCertificates` is set.
 */
export function connect(address: string, options: Options = {}): Rollbook {
  const key = cleaned(options.apiKey ?? "");
  const channel = openChannel(address, options);
  const metadata = new Metadata();
  if (key) metadata.set("authorization", `Bearer ${key}`);
  const factory = createClientFactory().use(errorDetailsClientMiddleware);
  const every = { "*": { metadata } };
  return {
    access: factory.create(AccessServiceDefinition, channel, every),
    audit: factory.create(AuditServiceDefinition, channel, every),
    devices: factory.create(DeviceServiceDefinition, channel, every),
    enrollment: factory.create(EnrollmentServiceDefinition, channel, every),
    profiles: factory.create(ProfileServiceDefinition, channel, every),
    tokens: factory.create(TokenServiceDefinition, channel, every),
    users: factory.create(UserServiceDefinition, channel, every),
    close: () => channel.close(),
  };
}

/**
 * Takes from a key what a file has around it, and refuses what no key has in it, before gRPC
 * does, whose complaint repeats the key.
 */
function cleaned(key: string): string {
  if (/^[!-~]*$/.test(key.trim())) return key.trim();
  throw new TypeError("the API key holds characters that no API key has");
}

function openChannel(address: string, options: Options): Channel {
  const host = hostOf(address);
  const loopback = isLoopback(host);
  const plaintext = !options.rootCertificates && (options.plaintext || loopback);
  const credentials = plaintext
    ? ChannelCredentials.createInsecure()
    : ChannelCredentials.createSsl(options.rootCertificates);
  return createChannel(address, credentials, {
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    // The server takes no more than one ping in 30 seconds.
    "grpc.keepalive_time_ms": 60_000,
    // A server that was restarted is looked for so often; gRPC would wait two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 5_000,
    // A proxy from the environment cannot reach this machine's loopback.
    "grpc.enable_http_proxy": loopback ? 0 : 1,
  });
}

function hostOf(address: string): string {
  const host = /^(?:([^\s/:[\]]+)|\[([^\s/[\]]+)\]):\d{1,5}$/.exec(address);
  if (!host) throw new TypeError(`"${address}" is no address: write HOST:PORT`);
  return (host[1] ?? host[2])!;
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1" || host === "localhost";
}
