"""Tables and charts of the suite `report` alone: it has none."""


def tables(_):
    return {}


def charts(_):
    return {}
