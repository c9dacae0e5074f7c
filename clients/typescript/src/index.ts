/** Speaks to a Rollbook server. The messages are in `rollbook/v1/...`, one module a file. */
export { ClientError, Status } from "nice-grpc";
export { connect, type Options, type Rollbook } from "./connect.js";
export { detail, reason } from "./reason.js";
export {
  type Source,
  SourceChangedError,
  UploadIncompleteError,
  uploadCsv,
} from "./upload.js";
