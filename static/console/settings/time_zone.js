// Preselects the browser's time zone while the organization has not chosen one.
const select = document.querySelector("select[data-guess]");
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
if ([...select.options].some((option) => option.value === timeZone)) select.value = timeZone;
