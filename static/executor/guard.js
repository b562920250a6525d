// Shows a notice when the page cannot run: the browser is too old, or a module was not loaded. It is part of the HTML
// (rundun/web/pages/pages.py), so that it is there whenever the page is, and in ES5, unlike the other files, so that
// every browser with scripts can run it. The notices are hidden in the page; main.js dispatches "usable".
(function () {
  "use strict";
  var PATIENCE_MS = 8000;       // until a page that is not usable yet shows its notice
  var RETRY_PAUSE_MS = 2000;    // between two attempts to load the modules, from the second on
  var tries = 0;
  var isUsable = false;

  function show(kind, isShown) {
    var notice = document.getElementById("guard-" + kind);
    if (notice) notice.hidden = !isShown;
  }

  function showOld() {
    show("slow", false);
    show("old", true);
  }

  function canRun() {
    return "noModule" in document.createElement("script") && "structuredClone" in window && "indexedDB" in window &&
      "HTMLDialogElement" in window && "at" in Array.prototype;
  }

  // Errors of a browser that lacks a feature. After any other error the page goes on, or is "slow".
  function isAgeError(name) {
    return name === "SyntaxError" || (!isUsable && (name === "TypeError" || name === "ReferenceError"));
  }

  // Under another address, since browsers remember that the first failed; its imports get that address as well.
  function retryScript(script) {
    var next = document.createElement("script");
    tries += 1;
    next.type = "module";
    next.src = script.src.replace(/(\/static\/[^\/~]+)(~\d+)?\//, "$1~" + tries + "/");
    document.head.appendChild(next);
  }

  addEventListener("error", function (event) {
    var target = event.target;
    if (target && target.tagName === "SCRIPT" && target.type === "module") {
      if (document.querySelector("script[type=importmap]")) return; // the preview's modules have fixed addresses
      setTimeout(retryScript, tries ? RETRY_PAUSE_MS : 0, target);
    } else if (event.error && isAgeError(event.error.name)) {
      showOld();
    }
  }, true);

  addEventListener("unhandledrejection", function (event) {
    if (event.reason && isAgeError(event.reason.name)) showOld();
  });

  addEventListener("usable", function () {
    isUsable = true;
    show("slow", false);
  });

  setTimeout(function () {
    var old = document.getElementById("guard-old");
    if (!isUsable && old && old.hidden) show("slow", true);
  }, PATIENCE_MS);

  if (!canRun()) document.addEventListener("DOMContentLoaded", showOld);
})();
