"""PDF of a page of HTML, made in a process of its own with the extra `pdf`. It knows neither runs nor HTTP."""
