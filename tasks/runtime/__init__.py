"""Support for every stage: parameters, files, errors, process set-up, parallel work."""
