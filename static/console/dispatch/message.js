// The message to an executor can be edited before it is shared: the share links contain the edited text.

const message = document.getElementById("message");
const links = document.querySelectorAll("a[data-share]");

function updateLinks() {
  for (const link of links) link.href = link.dataset.share + encodeURIComponent(message.value);
}

message.addEventListener("input", updateLinks);
updateLinks(); // after going back, the browser has kept the edited text
