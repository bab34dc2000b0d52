"""Tables and charts of the suite `fault` alone: it has none."""


def tables(_):
    return {}


def charts(_):
    return {}
