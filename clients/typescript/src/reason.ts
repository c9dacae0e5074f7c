import { type ErrorDetails, RichClientError } from "nice-grpc-error-details";

/**
 * Why a call failed, as a name of ErrorReason without its prefix, such as
 * "PROFILE_NAME_TAKEN". Empty where the failure is not the server's word, such as a broken
 * connection. Branch on it; the `details` of a ClientError are for people.
 */
export function reason(error: unknown): string {
  const info = detail(error, "google.rpc.ErrorInfo");
  return info?.domain === "rollbook" ? info.reason : "";
}

/**
 * The detail of a failed call that has this type: "google.rpc.ErrorInfo",
 * "google.rpc.BadRequest", which names the fields that are wrong, or "google.rpc.RetryInfo".
 */
export function detail<T extends ErrorDetails["$type"]>(
  error: unknown,
  type: T,
): Extract<ErrorDetails, { $type: T }> | undefined {
  const details = error instanceof RichClientError ? error.extra : [];
  const ofType = (found: ErrorDetails): found is Extract<ErrorDetails, { $type: T }> =>
    found.$type === type;
  return details.find(ofType);
}

/** How many milliseconds the server asks to wait; undefined if it does not. */
export function retryAfter(error: unknown): number | undefined {
  const delay = detail(error, "google.rpc.RetryInfo")?.retryDelay;
  return delay && Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000;
}
