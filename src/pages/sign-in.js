
const [heading, said, form] = ["h1", "#said", "form"].map((one) => document.querySelector(one));
const token = new URLSearchParams(location.hash.slice(1)).get("reset");
document.title = heading.textContent = words.setPassword;
form.querySelector("label").textContent = words.newPassword;
form.querySelector("button").textContent = words.setPassword;
form.hidden = !token;
said.textContent = token ? "" : words.noLink;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const answer = await call("reset", { token, new_password: form.querySelector("input").value });
  button.disabled = false;
  said.textContent = answer.status;
  if (answer.ok) {
    form.hidden = true;
    history.replaceState(null, "", location.pathname);
  }
});
