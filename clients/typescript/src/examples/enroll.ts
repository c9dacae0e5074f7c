// Uploads a CSV file into a new profile and lets one of its devices switch on:
//
//     node dist/examples/enroll.js PROFILE FILE IMEI
//
// ROLLBOOK_ADDRESS and ROLLBOOK_API_KEY say where the server is and who calls; ROLLBOOK_CA
// names the file of an authority of your own.

import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { ClientError, type Rollbook, connect, reason, uploadCsv } from "../index.js";

async function enroll(admin: Rollbook, device: Rollbook, name: string, file: string, imei: string) {
  const { profile } = await admin.profiles.createProfile({ name });
  console.log("profile", profile!.name);
  const { profileId } = profile!;
  const upload = await uploadCsv(admin.devices, { profileId, fileName: basename(file) }, file);
  const { rowCount, createdCount, rejectedCount, errors } = upload;
  console.log(`${rowCount} rows, ${createdCount} created, ${rejectedCount} rejected`);
  for (const { line, column, reason, message } of errors) {
    console.log(`line ${line}, ${column}: ${reason}: ${message}`);
  }
  const { value } = await admin.tokens.revealToken({ profileId });
  const answer = await device.enrollment.enrollDevice({ token: value, imeis: [imei] });
  console.log(answer.outcome, answer.deviceId, answer.attributes);
}

/** Puts the reason, which programs branch on, before the server's sentence. */
function explain(error: unknown): string {
  if (!(error instanceof ClientError)) return String(error);
  return reason(error) ? `${reason(error)}: ${error.details}` : error.message;
}

async function main(words: string[]): Promise<number> {
  const [name, file, imei] = words;
  if (!name || !file || !imei || words.length > 3) {
    console.error("usage: enroll PROFILE FILE IMEI");
    return 2;
  }
  const { ROLLBOOK_ADDRESS: address = "", ROLLBOOK_API_KEY: apiKey, ROLLBOOK_CA: ca } = process.env;
  const trust = ca ? { rootCertificates: readFileSync(ca) } : {};
  const admin = connect(address, { ...trust, ...(apiKey && { apiKey }) });
  const device = connect(address, trust); // a device has no key
  try {
    await enroll(admin, device, name, file, imei);
    return 0;
  } finally {
    admin.close();
    device.close();
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(explain(error));
  return 1;
});
