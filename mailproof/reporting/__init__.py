"""The record of a run and its views. evidence.json is the source; every other format is a pure view of it."""
