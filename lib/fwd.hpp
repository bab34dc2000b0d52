#pragma once

#include <leash/config.hpp>

/// Forward declarations of leash's types, for headers that need only their names.

namespace LEASH_NAMESPACE {

class Call;
class CancelSource;
class Clock;
class Context;
class Error;
class FakeClock;
class Notes;
class Registration;
class SharedClock;
class StopToken;
struct Cancellable;
struct Note;
struct OperationCount;
template <class Signature>
class Function;
template <class Signature>
class FunctionRef;

namespace track {
class Mark;
class Site;
class Suppressions;
class Tag;
class Tracker;
enum class Level : unsigned char;
enum class OnDrop : unsigned char;
enum class Origin : unsigned char;
enum class RequireClose : unsigned char;
enum class Rule : unsigned char;
enum class Severity : unsigned char;
enum class Unwinder : unsigned char;
enum class errc;
struct Event;
struct ExplainOptions;
struct Explained;
struct Frame;
struct Group;
struct Instance;
struct Kind;
struct LastUse;
struct Location;
struct Options;
struct Report;
struct Resource;
struct Rules;
struct Stack;
struct SuppressionUse;
struct TextOptions;
struct TrackedContext;
}  // namespace track

namespace fault {
class FittingFaults;
class Plan;
class SweepBody;
enum class Effect : unsigned char;
enum class Trouble : unsigned char;
struct Fault;
struct Point;
struct Rule;
struct SweepExample;
struct SweepGroup;
struct SweepOptions;
struct SweepResult;
}  // namespace fault

namespace fs {
class CountingFS;
class Dir;
class DiskFS;
class FaultFS;
class File;
class FileSystem;
class HookedFileSystem;
class LoggingFS;
class Mapping;
class MemoryFS;
class PathArg;
class ProxyDir;
class ProxyFile;
class ProxyFileSystem;
class ProxyMapping;
class ReadOnlyFS;
class Reader;
class SubFS;
class TempDir;
class TempFile;
class TrackedFS;
class Writer;
enum class FileType : unsigned char;
enum class Links : unsigned char;
enum class LockMode : unsigned char;
enum class MapMode : unsigned char;
enum class OperationKind : unsigned char;
enum class Whence : unsigned char;
enum class errc;
struct AtomicWriteOptions;
struct CopyOptions;
struct DirEntry;
struct FileInfo;
struct LockRange;
struct OpenOptions;
// NOLINTBEGIN(bugprone-forward-declaration-namespace): the other room has these names, too
struct Operation;
struct OperationCounts;
// NOLINTEND(bugprone-forward-declaration-namespace)
struct ReaderOptions;
struct Space;
}  // namespace fs

namespace net {
class Binder;
class Conn;
class CountingHook;
class Dialer;
class FaultBinder;
class FaultDialer;
class HookedBinder;
class HookedDialer;
class IpAddress;
class Listener;
class LoggingHook;
class MemoryHost;
class MemoryNetwork;
class NetworkHook;
class ProxyBinder;
class ProxyConn;
class ProxyDialer;
class ProxyListener;
class Resolver;
class ScriptedResolver;
class StaticResolver;
class TcpBinder;
class TcpDialer;
class TrackedBinder;
class TrackedDialer;
class Traffic;
class TrafficRule;
enum class Direction : unsigned char;
enum class OperationKind : unsigned char;
enum class errc;
struct Address;
struct ConformanceFailure;
struct ConformanceOptions;
struct ConnPair;
struct Endpoint;
struct HostPort;
// NOLINTBEGIN(bugprone-forward-declaration-namespace): the other room has these names, too
struct Operation;
struct OperationCounts;
// NOLINTEND(bugprone-forward-declaration-namespace)
struct PeerCredentials;
struct SocketOptions;
}  // namespace net

}  // namespace LEASH_NAMESPACE
