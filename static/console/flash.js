// What was done is told once: a reload, or an address that is passed on, does not tell it again.

const address = new URL(location.href);
address.searchParams.delete("told");
history.replaceState(history.state, "", address);
