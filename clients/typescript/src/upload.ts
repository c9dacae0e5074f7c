import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";

import { ClientError, Status } from "nice-grpc";

import type { Rollbook } from "./connect.js";
import type {
  DeepPartial,
  UploadDevicesRequest,
  UploadOpen,
} from "./generated/rollbook/v1/device_service.js";
import { type Upload, UploadState } from "./generated/rollbook/v1/upload.js";
import { Patience } from "./patience.js";
import { reason, retryAfter } from "./reason.js";

/** A path, or a function that begins to read the file anew. */
export type Source = string | (() => AsyncIterable<Uint8Array>);

/** The file is not the one that its upload began with; nothing was sent. */
export class SourceChangedError extends Error {
  override readonly name = "SourceChangedError";
}

/** An upload got no further and was given up; `cause` is the last failure. */
export class UploadIncompleteError extends Error {
  override readonly name = "UploadIncompleteError";

  constructor(
    /** With it as `uploadId` and the same file another call goes on. */
    readonly uploadId: string,
    cause: unknown,
  ) {
    super(`upload ${uploadId} is incomplete; upload the same file with its id to go on`, { cause });
  }
}

// What the contract calls a good size.
const CHUNK_BYTES = 256 * 1024;

/**
 * Brings a CSV file into a profile and gives the upload once it is FINISHED.
 *
 * A connection that breaks is taken up again at the committed position, until nothing more
 * was committed for five minutes: then UploadIncompleteError is thrown. Rejected rows are no
 * error, see `rejectedCount` and `errors` of the upload. Where the server refuses, a
 * ClientError is thrown, of which `reason` tells why.
 */
export async function uploadCsv(
  devices: Rollbook["devices"],
  opening: DeepPartial<UploadOpen>,
  source: Source,
  signal?: AbortSignal,
): Promise<Upload> {
  return new Courier(devices, opening, source, signal).run();
}

/** Carries one upload to its end over as many streams as it takes. */
class Courier {
  readonly #devices: Rollbook["devices"];
  readonly #opening: DeepPartial<UploadOpen> & { uploadId: string };
  readonly #read: () => AsyncIterable<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #patience = new Patience();
  /** Whether the server may hold some of the upload already. */
  #mayBeKnown: boolean;
  /** What the reading of the file threw, which gRPC may take for an end of the stream. */
  #fault: unknown;

  constructor(
    devices: Rollbook["devices"],
    opening: DeepPartial<UploadOpen>,
    source: Source,
    signal?: AbortSignal,
  ) {
    this.#devices = devices;
    this.#mayBeKnown = Boolean(opening.uploadId);
    this.#opening = { ...opening, uploadId: opening.uploadId || randomUUID() };
    this.#read = typeof source === "string" ? () => open(source) : source;
    this.#signal = signal;
  }

  async run(): Promise<Upload> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (this.#fault) throw this.#fault;
        if (!passes(error)) throw error;
        if (await this.#patience.wait(error, this.#signal)) continue;
        throw new UploadIncompleteError(this.#opening.uploadId, error);
      }
    }
  }

  async #attempt(): Promise<Upload> {
    const known = this.#mayBeKnown ? await this.#ask() : undefined;
    this.#mayBeKnown = true;
    const from = { offset: known?.committedOffset ?? 0, crc32: known?.committedCrc32 ?? 0 };
    this.#patience.reached(from.offset);
    if (known?.state === UploadState.FINISHED) await this.#compareWhole(from);
    const { upload } = await this.#devices.uploadDevices(this.#messages(from), this.#options());
    if (!upload || upload.state === UploadState.OPEN) {
      const path = "/rollbook.v1.DeviceService/UploadDevices";
      throw new ClientError(path, Status.UNAVAILABLE, "the stream ended before the upload did");
    }
    return upload;
  }

  /**
   * Gives the upload as the server knows it: nothing at first, or to a key that may upload
   * but not look, which sends from the start then, and the server skips.
   */
  async #ask(): Promise<Upload | undefined> {
    try {
      const request = { uploadId: this.#opening.uploadId };
      const { upload } = await this.#devices.getUpload(request, this.#options());
      this.#patience.heard = true;
      return upload && isContinued(upload) ? upload : undefined;
    } catch (error) {
      if (!isUnseen(error)) throw error;
      this.#patience.heard = true;
      return undefined;
    }
  }

  /** Sees to it that the file is what a finished upload holds, to its end. */
  async #compareWhole(committed: Position): Promise<void> {
    const position = { offset: 0, crc32: 0 };
    for await (const piece of this.#read()) {
      count(position, piece);
      if (position.offset > committed.offset) break;
    }
    compare(position, committed);
  }

  #options(): { signal?: AbortSignal } {
    return this.#signal ? { signal: this.#signal } : {};
  }

  async *#messages(from: Position): AsyncIterable<DeepPartial<UploadDevicesRequest>> {
    try {
      yield { message: { $case: "open", value: this.#opening } };
      const position = { offset: 0, crc32: 0 };
      for await (const data of this.#rest(from, position)) {
        yield { message: { $case: "csv", value: { offset: position.offset, data } } };
        count(position, data);
      }
      const { offset: value, crc32 } = position;
      const total = { $case: "totalBytes", value } as const;
      yield { message: { $case: "finish", value: { total, crc32 } } };
    } catch (error) {
      this.#fault = error;
      throw error;
    }
  }

  /** Gives what lies behind the committed position, once what lies before it is compared. */
  async *#rest(from: Position, position: Position): AsyncIterable<Uint8Array> {
    for await (const piece of this.#read()) {
      const before = Math.min(piece.length, from.offset - position.offset);
      if (before > 0) count(position, piece.subarray(0, before));
      if (position.offset === from.offset) compare(position, from);
      for (let at = Math.max(0, before); at < piece.length; at += CHUNK_BYTES) {
        yield piece.subarray(at, at + CHUNK_BYTES);
      }
    }
    if (position.offset < from.offset) compare(position, from);
  }
}

interface Position {
  offset: number;
  crc32: number;
}

function count(position: Position, data: Uint8Array): void {
  position.offset += data.length;
  position.crc32 = crc32(data, position.crc32);
}

function compare(read: Position, committed: Position): void {
  if (read.offset === committed.offset && read.crc32 === committed.crc32) return;
  throw new SourceChangedError("the file differs from what the upload holds of it already");
}

function open(path: string): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

/** Tells whether what is committed is still the beginning of the file. */
function isContinued(upload: Upload): boolean {
  return upload.state === UploadState.OPEN || upload.state === UploadState.FINISHED;
}

function isUnseen(error: unknown): boolean {
  const unseen = [Status.NOT_FOUND, Status.PERMISSION_DENIED];
  return error instanceof ClientError && unseen.includes(error.code);
}

/** Tells whether another stream may succeed where this one failed. */
function passes(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  switch (error.code) {
    case Status.UNAVAILABLE:
    case Status.DEADLINE_EXCEEDED:
    case Status.CANCELLED:
      return true;
    case Status.OUT_OF_RANGE:
      return reason(error) === "UPLOAD_GAP";
    case Status.ABORTED:
      return reason(error) === "OUTCOME_UNKNOWN"; // it can be asked for by now
    case Status.RESOURCE_EXHAUSTED:
      return retryAfter(error) !== undefined;
    case Status.INTERNAL:
      return reason(error) === ""; // a stream that was reset, not a fault that the server reports
    default:
      return false;
  }
}
