// Says so where the page can't run: in a browser that is too old, or when one of its modules was lost on the way.
// In the HTML itself (rundun/web/pages/pages.py), so that it is there whenever the page is, and in words that any
// browser with scripts understands (ES5), as no other file here. The notices stand in the page, hidden; main.js says
// "usable".
(function () {
  "use strict";
  var PATIENCE_MS = 8000;       // until a page that is not usable yet says so
  var RETRY_PAUSE_MS = 2000;    // until the modules are asked for again, from the second time on
  var tries = 0;
  var isUsable = false;

  function show(kind, isShown) {
    var notice = document.getElementById("guard-" + kind);
    if (notice) notice.hidden = !isShown;
  }

  function tooOld() {
    show("slow", false);
    show("old", true);
  }

  function canRun() {
    return "noModule" in document.createElement("script") && "structuredClone" in window && "indexedDB" in window &&
      "HTMLDialogElement" in window && "at" in Array.prototype;
  }

  // What a browser lacks is one of these. All else has failed for once, and the page goes on or is "slow".
  function tellsOfAge(name) {
    return name === "SyntaxError" || (!isUsable && (name === "TypeError" || name === "ReferenceError"));
  }

  // Under another address, since browsers remember that the first one failed; what it imports comes from there, too.
  function again(script) {
    var next = document.createElement("script");
    tries += 1;
    next.type = "module";
    next.src = script.src.replace(/(\/static\/[^\/~]+)(~\d+)?\//, "$1~" + tries + "/");
    document.head.appendChild(next);
  }

  addEventListener("error", function (event) {
    var target = event.target;
    if (target && target.tagName === "SCRIPT" && target.type === "module") {
      if (document.querySelector("script[type=importmap]")) return; // its replacements have one address each
      setTimeout(again, tries ? RETRY_PAUSE_MS : 0, target);
    } else if (event.error && tellsOfAge(event.error.name)) {
      tooOld();
    }
  }, true);

  addEventListener("unhandledrejection", function (event) {
    if (event.reason && tellsOfAge(event.reason.name)) tooOld();
  });

  addEventListener("usable", function () {
    isUsable = true;
    show("slow", false);
  });

  setTimeout(function () {
    var old = document.getElementById("guard-old");
    if (!isUsable && old && old.hidden) show("slow", true);
  }, PATIENCE_MS);

  if (!canRun()) document.addEventListener("DOMContentLoaded", tooOld);
})();
