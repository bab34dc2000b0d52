#pragma once

namespace named {

/// Of named_frames.cpp. Each calls `probe` from the function that is called like it, or stands in it.
using Probe = void (*)();
void call_from_coroutine(Probe probe);
void call_from_member_coroutine(Probe probe);
void call_from_template_coroutine(Probe probe);
void call_from_coroutine_lambda(Probe probe);
void call_from_lambda(Probe probe);
void call_from_generic_lambda(Probe probe);
void call_from_template_lambda(Probe probe);
void call_from_inlined_lambda(Probe probe);
void call_from_inlined_function(Probe probe);

}  // namespace named
