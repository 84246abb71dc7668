import { show } from "./show.ts";

/**
 * The path that a caller gave, as a string.
 *
 * @throws {TypeError} if it is neither a path nor a `file:` URL, or its text.
 */
export function pathOf(path: unknown): string {
  const url = path instanceof URL ? path : urlIn(path);
  const text = url === undefined ? path : pathOfUrl(url);
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw new TypeError(
      `Path must be a string, not empty and without NUL, or a file URL: received ${
        show(text)
      }`,
    );
  }
  return text.includes("..") ? withoutParents(text) : text;
}

/** The URL that a string is, as `import.meta.resolve` gives it. */
function urlIn(text: unknown): URL | undefined {
  if (typeof text !== "string" || !/^(file|https?):\/\//.test(text)) {
    return undefined;
  }
  return URL.parse(text) ?? undefined;
}

/**
 * The path without what it enters and leaves again, `a/../`. Deno asks for
 * permission to the path without it, as it is written; the kernel would go
 * through `a`, which may be a link to somewhere else.
 */
function withoutParents(path: string): string {
  const isAbsolute = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isAbsolute) kept.push(part);
  }
  return (isAbsolute ? "/" : "") + kept.join("/") || ".";
}

function pathOfUrl(url: URL): string {
  if (url.protocol === "https:" || url.protocol === "http:") {
    throw new TypeError(
      `Path must be a path or a file URL: fetch ${
        show(url.href)
      } and pass its bytes, where bytes are taken`,
    );
  }
  let path: string | undefined;
  try {
    if (url.protocol === "file:" && url.host === "") {
      path = decodeURIComponent(
        url.pathname.replace(/%(?![\dA-F]{2})/gi, "%25"),
      );
    }
  } catch {
    // Bytes that are no UTF-8, or an object that only pretends to be a URL.
  }
  if (path === undefined) {
    throw new TypeError(
      "URL must be a file URL of this host whose path is UTF-8",
    );
  }
  return path;
}
