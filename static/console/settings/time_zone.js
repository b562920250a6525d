// Chooses the time zone that this browser's clock is set to, where nobody has chosen one yet.
const select = document.querySelector("select[data-guess]");
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
if ([...select.options].some((option) => option.value === timeZone)) select.value = timeZone;
