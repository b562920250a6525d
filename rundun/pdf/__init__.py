"""PDF of a report's page, made in a process of its own; what needs the extra `pdf`. It knows neither runs nor HTTP."""
