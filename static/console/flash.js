// Removes the name of the confirmation from the address, so that a reload does not show it again.

const address = new URL(location.href);
address.searchParams.delete("flash");
history.replaceState(history.state, "", address);
