// Loads the page's scripts and styles again until all are here, whatever happens to a request; and shows a notice
// while that takes long, or when the browser is too old. It is part of the HTML (rundun/web/pages/pages.py), so that it
// is there whenever the page is, and its syntax is ES5, unlike the other files', so that every browser with scripts can
// run it. The notices are hidden in the page. main.js dispatches "begun" when it runs, from when on no script is
// missing, and "usable".
(function () {
  "use strict";
  var HANG_MS = 8000;    // without a byte, until a request is given up
  var QUIET_MS = 3000;   // without a byte, until another request is made beside the first
  var PAUSE_MS = 2000;   // after an attempt that failed
  var hasBegun = false;
  var isUsable = false;
  var isHealing = false;
  var isFaulty = false;  // after a syntax error, which a file that was cut short has as well
  var tries = 1;         // the number in the addresses of the present attempt
  var styles = [];       // addresses of styles that have not arrived
  var spoilt = {};       // addresses of files that did not arrive whole, which a cache may have kept
  var timer = 0;         // of the next attempt

  function show(kind, isShown) {
    var notice = document.getElementById("guard-" + kind);
    if (notice) notice.hidden = !isShown;
  }

  function showOld() {
    clearTimeout(timer);
    show("slow", false);
    show("old", true);
  }

  function showSlow() {
    var old = document.getElementById("guard-old");
    if (!isUsable && old && old.hidden) show("slow", true);
  }

  function canRun() {
    return "noModule" in document.createElement("script") && "structuredClone" in window && "indexedDB" in window &&
      "HTMLDialogElement" in window && "at" in Array.prototype;
  }

  // Errors of a browser that lacks a feature. After any other error the page goes on, or is "slow".
  function isAgeError(name) {
    return name === "SyntaxError" || (!isUsable && (name === "TypeError" || name === "ReferenceError"));
  }

  function all(selector) {
    return [].slice.call(document.querySelectorAll(selector));
  }

  // True for a style that has arrived, up to its last rule (rundun/web/pages/static.py).
  function isWhole(link) {
    var rules = link.sheet ? link.sheet.cssRules : [];
    return rules.length > 0 && rules[rules.length - 1].selectorText === "end";
  }

  // → the address for the present attempt. Browsers remember that a module's address failed, and modules import each
  // other by relative addresses.
  function freshAddress(url) {
    return url.replace(/(\/static\/[^\/~]+)(~\d+)?\//, "$1~" + tries + "/");
  }

  // Takes styles that have not arrived out of the page, since a style that hangs holds back the scripts.
  function takeStyles() {
    all("link[rel=stylesheet]").forEach(function (link) {
      if (isWhole(link)) return;
      link.parentNode.removeChild(link);
      styles.push(link.href);
    });
  }

  function canHeal() {
    return canRun() && !document.querySelector("script[type=importmap]"); // the preview has fixed addresses
  }

  function heal() {
    if (isHealing || !canHeal()) return;
    isHealing = true;
    attempt();
  }

  function attemptAfter(ms) {
    clearTimeout(timer);
    timer = setTimeout(attempt, ms);
  }

  // Fetches what is missing into the browser's cache, and then adds it to the page: of an element's request nobody can
  // tell whether it goes on, and its script would run later beside that of another. The first file goes ahead alone.
  function attempt() {
    var wanted = styles.slice();
    var scripts = hasBegun ? [] : all("link[rel=modulepreload]").map(function (link) {
      return link.href;
    });
    var urls = scripts.concat(wanted).map(freshAddress);
    if (!urls.length) return void (isHealing = false);
    fetchFile(urls[0]).then(function () {
      return Promise.all(urls.slice(1).map(fetchFile));
    }).then(function () {
      wanted.forEach(function (url) {
        add("link", "rel", "stylesheet", "href", freshAddress(url));
      });
      styles = styles.slice(wanted.length);
      if (!hasBegun) addScript();
      tries += 1;
      attemptAfter(HANG_MS);
    }, function () {
      showSlow();
      attemptAfter(PAUSE_MS);
    });
  }

  // → a promise that is fulfilled when a file is in the cache, and rejected when it could not be loaded.
  function fetchFile(url) {
    return new Promise(function (resolve, reject) {
      var calls = [];
      var first = null;   // the request that is answered first, and goes on alone
      var waiting = setInterval(ask, QUIET_MS);
      ask();

      function ask() {
        var call = new AbortController();
        var quiet = 0;
        var kind = /\.css$/.test(url) ? ["text/css", /end\{\}$/] : ["text/javascript", /\/\/end$/];
        move();
        // A second request for the same address would wait for the first one in the browser's cache.
        var isAgain = calls.push(call) > 1 || spoilt[url];
        fetch(url, { signal: call.signal, cache: isAgain ? "reload" : "default" }).then(function (response) {
          first = first || call;
          end();
          if (!response.ok || (response.headers.get("Content-Type") || "").indexOf(kind[0])) throw response;
          return read(response.body.getReader(), new TextDecoder(), "");
        }).then(resolve, function (error) {
          clearTimeout(quiet);
          spoilt[url] = true;
          if (first && first !== call) return;
          first = null;
          end();
          reject(error);
        });

        function move() {
          clearTimeout(quiet);
          quiet = setTimeout(function () {
            call.abort();
          }, HANG_MS);
        }

        function read(body, decoder, end) {
          return body.read().then(function (part) {
            move();
            if (!part.done) return read(body, decoder, (end + decoder.decode(part.value, { stream: true })).slice(-9));
            clearTimeout(quiet);
            if (!kind[1].test(end)) throw part;
          });
        }
      }

      // Gives up all requests but the first that was answered.
      function end() {
        clearInterval(waiting);
        calls.forEach(function (call) {
          if (call !== first) call.abort();
        });
      }
    });
  }

  function add(tag, one, its, other, value) {
    var element = document.createElement(tag);
    element[one] = its;
    element[other] = value;
    document.head.appendChild(element);
  }

  // Puts a script into the page in place of one that has not run, and which in another document never will.
  function addScript() {
    var olds = all("script[type=module]");
    var elsewhere = document.implementation.createHTMLDocument("");
    add("script", "type", "module", "src", freshAddress(olds[0].src));
    olds.forEach(function (old) {
      elsewhere.adoptNode(old);
    });
  }

  addEventListener("error", function (event) {
    var target = event.target;
    var isModule = target && target.tagName === "SCRIPT" && target.type === "module";
    var isSyntax = event.error && event.error.name === "SyntaxError";
    if (target && target.tagName === "LINK" && target.rel === "stylesheet") {
      target.parentNode.removeChild(target);
      styles.push(target.href);
      heal();
    } else if (isModule || (isSyntax && !isFaulty && !hasBegun && canHeal())) {
      isFaulty = isFaulty || isSyntax;
      if (isHealing) attemptAfter(PAUSE_MS);
      heal();
    } else if (event.error && isAgeError(event.error.name)) {
      showOld();
    }
  }, true);

  addEventListener("unhandledrejection", function (event) {
    if (event.reason && isAgeError(event.reason.name)) showOld();
  });

  addEventListener("load", function () {
    takeStyles(); // what was cut short
    if (styles.length) heal();
  });

  addEventListener("begun", function () {
    hasBegun = true;
  });

  addEventListener("usable", function () {
    isUsable = true;
    show("slow", false);
  });

  function endHanging() {
    showSlow();
    if (document.readyState === "loading") return void setTimeout(endHanging, QUIET_MS);
    takeStyles();
    // The scripts may only have waited for a style.
    setTimeout(function () {
      if (!hasBegun) window.stop(); // a browser makes six requests at a time, and these may be all that it makes
      if (!hasBegun || styles.length) heal();
    }, 100);
  }

  setTimeout(endHanging, HANG_MS);
  if (!canRun()) document.addEventListener("DOMContentLoaded", showOld);
})();
