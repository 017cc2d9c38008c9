"""The practice town: people with two and a half years behind them, written as files for `flask import`.

Everything follows from one seed and the day it ends, so the same command writes the same town. The stories
a Review should show are all named in `stories.py`.
"""
