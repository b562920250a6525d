# The commands for people. All that they install goes to .venv, but for the tests' browser.

VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Processes that tests start find the code compiled. If /dev/shm is large enough, tests write there: a thousand small
# databases wait for no disk.
ROOMY   = [ -w /dev/shm ] && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 1000000 { print "PYTEST_DEBUG_TEMPROOT=/dev/shm" }'
# A test that calls make does not inherit this one's flags.
TESTING = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PYTHONDONTWRITEBYTECODE= $$($(ROOMY))

.DEFAULT_GOAL := help
.PHONY: help setup install install-notes serve test check catalogs bench screenshots format soak crash browsers packages lock wheel pyz
.DELETE_ON_ERROR:

help:  ## List these commands.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-19s %s\n", $$1, $$2 }'

setup: $(VENV)/.packages $(VENV)/.tools $(VENV)/.browser $(VENV)/.client  ## Install everything needed to work on Rundun.

serve: $(VENV)/.service  ## Serve on 127.0.0.1:8000 with rundun.db here; its flags in ARGS="--port 9000".
	@exec $(BIN)/python -m rundun serve $(ARGS)

# A copy of the code, so that `git pull` changes nothing under a running service, which reads pages as it needs them;
# readable for the service's user, whatever the umask. `make serve` and `make test` install an editable one. Copied, as in
# the Dockerfile: pip would fetch its build tools without hashes.
install: $(VENV)/.made  ## Install only what serving needs: the packages of requirements.lock, by hash, and this code.
	@echo "Installing Rundun and what it needs, as locked"
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@rm -rf $(VENV)/code && mkdir $(VENV)/code && cp -R rundun $(VENV)/code/ && mkdir $(VENV)/code/rundun/_pages
	@cp -R templates static $(VENV)/code/rundun/_pages/ && $(BIN)/python -m compileall -q -f $(VENV)/code
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" -P -m rundun "$$@"\n' \
	  "$(abspath $(VENV)/code)" "$(abspath $(BIN)/python)" > $(BIN)/rundun && chmod 755 $(BIN)/rundun
	@rm -f $(VENV)/.service $(VENV)/.tools
	@chmod -R go+rX $(VENV)
	@$(MAKE) --no-print-directory install-notes

# Notes on paths that the unit's user can't reach, since it sees no home folders (ProtectHome=yes): no errors, since a
# service of one's own account can use them.
install-notes:
	@python=$$(readlink -f $(BIN)/python); \
	echo "It runs with $$python; for another Python: rm -rf $(VENV), and make install PYTHON=/usr/bin/python3"; \
	case $$python in /home/*|/root/*|/run/user/*) \
	  echo "NOTE: that Python lies below a home folder, which the unit in rundun/deploy does not let it see." >&2; \
	esac; \
	case "$(CURDIR)/" in /home/*|/root/*|/run/user/*) \
	  echo "NOTE: this folder lies below a home folder, which the unit in rundun/deploy does not let it see." >&2; \
	esac; \
	for file in "$(abspath $(VENV))" "$$python"; do \
	  case $$file in /home/*|/root/*|/run/user/*) continue;; esac; \
	  folder=$$(dirname "$$file"); \
	  while [ "$$folder" != / ]; do \
	    [ -z "$$(find "$$folder" -prune ! -perm -001)" ] || \
	      echo "NOTE: no other user can enter $$folder, which is on the way to $$file: chmod o+x $$folder" >&2; \
	    folder=$$(dirname "$$folder"); \
	  done; \
	done

# Installs no browser for `make test ARGS="-m 'not browser'"`.
test: $(if $(findstring not browser,$(ARGS)),$(VENV)/.tools $(VENV)/.client,setup)  ## Run every test except soak, crash, browsers and packages; some of them in ARGS="…".
	$(TESTING) $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(VENV)/.tools  ## Lint, and check formatting and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

catalogs: $(VENV)/.tools  ## Collect messages for translators, and list those a language lacks: ARGS=es.
	@$(BIN)/python -m tests.catalogs $(ARGS)

bench: setup $(VENV)/.wrk  ## Measure requests per second and the way to a webhook, on this machine.
	$(BIN)/python -m tests.bench $(ARGS)

screenshots: setup  ## Photograph all pages into screenshots/, and renew the README's pictures.
	$(BIN)/python -m tests.browser.screenshots $(ARGS)
	$(BIN)/python -m tests.browser.console_screenshots $(ARGS)
	$(BIN)/python -m tests.browser.kept_pictures $(ARGS)

format: $(VENV)/.tools  ## Format the code and apply the linter's fixes.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

soak: setup $(VENV)/.engines  ## Run the long random tests, which look for leaks and drift.
	$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

browsers: setup $(VENV)/.engines  ## Run what is long: Firefox and WebKitGTK, random failures, axe over all pages, a fuzzed API.
	$(TESTING) $(BIN)/python -m pytest -m "engines or long" -n auto --dist worksteal $(ARGS)

packages: setup  ## Install and serve as others will, in bare roots, and generate clients: wheel, pyz, unit, proxy (as root).
	$(BIN)/python -m pytest -m packages --timeout 0 $(ARGS) tests/packages

lock: $(VENV)/.release  ## Renew requirements.lock after a change of dependencies; all versions with ARGS=--upgrade.
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock $(ARGS)

wheel: $(VENV)/.release  ## Build the wheel and the source archive into dist/.
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/python -m hatchling build --target sdist --target wheel --directory dist

# The lock's packages are fetched by their hashes; after that pex asks no registry. Some are compiled, so the file runs
# with this system and Python only: its name says so, and so does the file under another one.
pyz: wheel  ## Build Rundun as one file for this system and Python: dist/rundun-….pyz.
	@rm -rf dist/wheels dist/*.pyz
	@$(BIN)/python -m pip wheel --quiet --require-hashes --no-deps --wheel-dir dist/wheels -r requirements.lock
	@cp dist/*.whl dist/wheels
	@ask() { $(BIN)/python -c "import sys, sysconfig, rundun; print($$1)"; }; \
	python=$$(ask "'%d.%d' % sys.version_info[:2]"); \
	$(BIN)/pex rundun --pre-resolved-dists dist/wheels --script rundun --venv prepend --sh-boot \
	  --python $(BIN)/python --interpreter-constraint "CPython==$$python.*" \
	  --output-file dist/rundun-$$(ask rundun.__version__)-$$(ask "sysconfig.get_platform()")-python$$python.pyz
	@rm -r dist/wheels

crash: setup  ## Kill the service CRASH_KILLS times (200) in the middle of everything, from CRASH_SEED on; audit all.
	@export CRASH_SEED=$${CRASH_SEED:-$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}; echo "CRASH_SEED=$$CRASH_SEED"; \
	$(TESTING) $(BIN)/python -m pytest -m crash --timeout 0 -n 2 --dist worksteal -rP $(ARGS)

# An environment whose Python is gone (upgraded, or the folder moved) is made anew.
ifeq ($(wildcard $(BIN)/python),)
  $(shell rm -f $(VENV)/.made $(VENV)/.service $(VENV)/.tools $(VENV)/.release $(VENV)/.client)
endif

# The first Python of at least 3.11 that can make environments: that of PYTHON=…, then python3, before all others.
$(VENV)/.made:
	@if $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	  touch $@; exit 0; \
	fi; \
	found=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	  if command -v $$python >/dev/null 2>&1 && \
	     $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    found=$$python; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Rundun needs Python 3.11 or newer with its venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$found ($$($$found --version))"; \
	$$found -m venv --clear $(VENV) && touch $@

# A changed pyproject.toml installs anew; otherwise these are instant.
$(VENV)/.service: $(VENV)/.made pyproject.toml
	@echo "Installing Rundun and what it needs"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.made pyproject.toml
	@echo "Installing Rundun, what it needs, and the tools to test and check it"
	@$(BIN)/python -m pip install --quiet --editable '.[test,check]'
	@touch $@ $(VENV)/.service

# Only these tools: after `make install`, a service keeps its copy of the code.
$(VENV)/.release: $(VENV)/.made pyproject.toml
	@echo "Installing the tools to build and lock"
	@$(BIN)/python -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["release"], sep="\n")' >$@
	@$(BIN)/python -m pip install --quiet --requirement $@

# A phone's browser, at best the headless one, with which tests are faster, a library of its driver, and the libraries and
# fonts that make PDF: installed ones, else Debian's packages, else Playwright's own browser. A user who can't install
# them is told at once. The second font has Arabic letters: boxes in their place are too wide for some pages.
FONTS         := fonts-liberation fonts-dejavu-core
APT_INSTALL   := DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends
HAS_BROWSER   := for one in chromium-headless-shell chromium chromium-browser google-chrome; do \
	command -v $$one && exit; done >/dev/null
LIBRARIES     := libatomic1 libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-core
HAS_LIBRARIES  = $(BIN)/python -c 'import ctypes, sys; sys.platform == "linux" and [ctypes.CDLL(f"lib{name}") for name in \
	("atomic.so.1", "pango-1.0.so.0", "pangoft2-1.0.so.0", "harfbuzz-subset.so.0")]' 2>/dev/null \
	&& { [ "$$(uname)" != Linux ] || fc-list "Noto Naskh Arabic" | grep -q .; }
$(VENV)/.packages: $(VENV)/.made
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	   ! { command -v chromium-headless-shell >/dev/null && $(HAS_LIBRARIES); }; then \
	  apt-get update -q && $(APT_INSTALL) $(FONTS) $(LIBRARIES) && \
	  { $(APT_INSTALL) chromium-headless-shell || $(APT_INSTALL) chromium || :; } \
	fi
	@missing=; \
	$(HAS_LIBRARIES) || missing=" $(LIBRARIES)"; \
	($(HAS_BROWSER)) || ! grep -qsx ID=debian /etc/os-release || missing=" chromium-headless-shell $(FONTS)$$missing"; \
	if [ -n "$$missing" ]; then \
	  echo "The tests need what only root can install, on Debian by apt-get install --no-install-recommends$$missing;" \
	    "without a browser: make test ARGS=\"-m 'not browser'\"" >&2; \
	  exit 1; \
	fi
	@touch $@

$(VENV)/.browser: $(VENV)/.packages $(VENV)/.tools
	@($(HAS_BROWSER)) || \
	  $(BIN)/playwright install $$([ "$$(id -u)" != 0 ] || echo --with-deps) --only-shell chromium
	@touch $@

# The generator of clients in an environment of its own, so that its requirements bind none of ours.
$(VENV)/.client: $(VENV)/.made
	@echo "Installing a generator of clients"
	@$(BIN)/python -m venv --clear $(VENV)/client
	@$(VENV)/client/bin/python -m pip install --quiet openapi-python-client~=0.29.1
	@touch $@

# Firefox with its driver from pyproject.toml, WebKitGTK with its own and the bindings with which it keeps a profile, and a
# screen in memory for it.
ENGINES := firefox-esr webkit2gtk-driver xvfb python3-gi gir1.2-webkit2-4.1
$(VENV)/.engines: $(VENV)/.tools
	@if command -v WebKitWebDriver && command -v Xvfb && \
	    /usr/bin/python3 -c 'import gi; gi.require_version("WebKit2", "4.1")' && { command -v firefox-esr || command -v firefox; }; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -q --no-install-recommends $(ENGINES); \
	else \
	  echo "These tests need Firefox, WebKitGTK's driver and Xvfb (Debian: apt-get install --no-install-recommends $(ENGINES))." >&2; \
	  exit 1; \
	fi
	@touch $@

$(VENV)/.wrk: $(VENV)/.made
	@if command -v wrk; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q wrk; \
	else \
	  echo "The bench needs wrk, a load generator: install it and try again (Debian and Ubuntu: apt-get install wrk)." >&2; \
	  exit 1; \
	fi
	@touch $@
