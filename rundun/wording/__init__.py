"""The words that console, command line, report and archive share: runs, times, refusals, languages, tables of jobs. It
knows no requests.
"""
