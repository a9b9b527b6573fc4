
const words = {
  setPassword: "Set a password",
  newPassword: "New password, 15 characters or more",
  noLink: "Open this page by the link of a mail.",
  offline: "The service could not be reached. Try again.",
};
