#!/usr/bin/python3
"""A browser of WebKitGTK with its profile in the folder that PROFILE names, for WebKitWebDriver.

WebKitGTK's own MiniBrowser keeps nothing while it is driven. Run by the system's Python, which has its bindings.
"""

import os

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402

FOLDER = os.environ["PROFILE"]
data = WebKit2.WebsiteDataManager(base_data_directory=f"{FOLDER}/data", base_cache_directory=f"{FOLDER}/cache")
context = WebKit2.WebContext.new_with_website_data_manager(data)


def started(_: WebKit2.WebContext, session: WebKit2.AutomationSession) -> None:
    """Say to the driver who this is, and open windows for it."""
    about = WebKit2.ApplicationInfo()
    about.set_name("MiniBrowser")
    about.set_version(WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version())
    session.set_application_info(about)
    session.connect("create-web-view", opened)


def opened(_: WebKit2.AutomationSession) -> WebKit2.WebView:
    """Open a window."""
    view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
    window = Gtk.Window()
    window.set_default_size(390, 844)
    window.add(view)
    view.connect("close", lambda _: window.destroy())  # else a page that was closed lives on
    window.show_all()
    return view


context.set_automation_allowed(True)
context.connect("automation-started", started)
Gtk.main()
