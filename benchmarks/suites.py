"""The suites: for each what measures it, and what makes tables and charts of its figures."""

import fault_pages
import fault_suite
import fs_pages
import fs_suite
import interpose_pages
import interpose_suite
import net_pages
import net_suite
import report_pages
import report_suite
import track_pages
import track_suite

SUITES = {"fault": (fault_suite, fault_pages), "fs": (fs_suite, fs_pages),
          "interpose": (interpose_suite, interpose_pages), "net": (net_suite, net_pages),
          "report": (report_suite, report_pages), "track": (track_suite, track_pages)}
