// What alarms_test.cpp puts on a leash: it knows nothing of leash, nor of what the library destructors.cpp has open.

int kept_by_library();

int main() { return kept_by_library() < 0 ? 1 : 0; }
