
// Also with a slash at its end the page is beside the folder of the operations.
const operations = location.pathname.replace(/[^/]*\/?$/, "api/");

async function call(operation, body) {
  try {
    const answer = await fetch(operations + operation, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await answer.json();
  } catch {
    return { ok: false, status: words.offline };
  }
}
