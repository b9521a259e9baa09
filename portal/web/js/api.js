// REST API v1: JSON in and out, problems (RFC 9457) as exceptions with a translated text.

import { has, t } from "./i18n.js";

let csrf = "";
let onSignedOut = () => {};

export class ProblemError extends Error {
  constructor(problem, retryAfter) {
    super(problem.code);
    this.code = problem.code;
    this.fields = Object.fromEntries((problem.errors ?? []).map((error) => [error.field, error.code]));
    this.retryAfter = retryAfter;
  }

  /** One sentence for people. */
  get text() {
    const key = `problem.${this.code}`;
    return t(has(key) ? key : "problem.unknown", { seconds: this.retryAfter });
  }
}

export function whenSignedOut(callback) {
  onSignedOut = callback;
}

export function keepCsrf(session) {
  csrf = session?.csrf_token ?? "";
  return session;
}

async function request(method, path, body, etag) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (etag) headers["If-Match"] = etag;
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ProblemError({ code: "no-connection" });
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({ code: "internal-error" }));
  if (problem.code === "not-signed-in" && path !== "/session") onSignedOut();
  throw new ProblemError(problem, response.headers.get("Retry-After") ?? "");
}

export const api = {
  get: (path) => request("GET", path),
  post: (path, body = {}) => request("POST", path, body),
  put: (path, body) => request("PUT", path, body),
  /** `etag`: of the version that was shown; refused where somebody else has changed it since. */
  patch: (path, body, etag) => request("PATCH", path, body, etag),
  delete: (path) => request("DELETE", path),
};
