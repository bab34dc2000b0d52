#include "xml_program.hpp"

#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <libxml/xmlreader.h>
#include <libxml/xmlwriter.h>

#include <cstddef>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sweep_foreign {

using leash::Context;
using leash::Result;
using leash::fs::File;
using leash::fs::FileSystem;

namespace {

const char* const path = "list.xml";
constexpr int items = 3000;

File& of(void* file) { return *static_cast<File*>(file); }

int write_document(void* file, const char* data, int size) {
  return of(file).write(std::string_view(data, static_cast<std::size_t>(size))) ? size : -1;
}

int read_document(void* file, char* data, int size) {
  const auto got = of(file).read(std::as_writable_bytes(std::span(data, static_cast<std::size_t>(size))));
  return got ? static_cast<int>(*got) : -1;
}

int close_document(void* file) { return of(file).close() ? 0 : -1; }

const xmlChar* text_of(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

std::unexpected<leash::Error> failure(const char* operation, const char* detail = "") {
  return leash::fail(operation, path, std::errc::io_error, detail);
}

/// It would print each failure.
void say_nothing(void*, const char*, ...) {}  // NOLINT(cert-dcl50-cpp): so it is called

struct FreeWriter {
  void operator()(xmlTextWriter* freed) const { xmlFreeTextWriter(freed); }
};
struct FreeReader {
  void operator()(xmlTextReader* freed) const { xmlFreeTextReader(freed); }
};

bool write_items(xmlTextWriter& writer) {
  bool written = xmlTextWriterStartDocument(&writer, nullptr, nullptr, nullptr) >= 0 &&
                 xmlTextWriterStartElement(&writer, text_of("list")) >= 0;
  for (int item = 0; written && item < items; ++item) {
    written = xmlTextWriterWriteElement(&writer, text_of("item"), text_of("something that fills the file")) >= 0;
  }
  return written && xmlTextWriterEndDocument(&writer) >= 0 && xmlTextWriterFlush(&writer) >= 0;
}

Result<void> write(const Context& context, FileSystem& files) {
  auto created = files.create(context, path);
  if (!created) return std::unexpected(created.error());
  xmlOutputBuffer* const out = xmlOutputBufferCreateIO(write_document, nullptr, created->get(), nullptr);
  std::unique_ptr<xmlTextWriter, FreeWriter> writer(xmlNewTextWriter(out));
  const bool written = write_items(*writer);
  // It writes what it still has when it is freed, and does not tell whether the file could be closed.
  writer.reset();
  const auto closed = (*created)->close();
  if (!written) return failure("write");
  return closed;
}

Result<int> read(const Context& context, FileSystem& files) {
  auto opened = files.open(context, path);
  if (!opened) return std::unexpected(opened.error());
  const std::unique_ptr<xmlTextReader, FreeReader> reader(
      xmlReaderForIO(read_document, close_document, opened->get(), path, nullptr, XML_PARSE_NOERROR));
  if (reader == nullptr) return failure("open");
  int count = 0;
  int more = 0;
  while ((more = xmlTextReaderRead(reader.get())) == 1) {
    const bool begins = xmlTextReaderNodeType(reader.get()) == XML_READER_TYPE_ELEMENT;
    if (begins && xmlTextReaderDepth(reader.get()) == 1) ++count;
  }
  if (more != 0) return failure("read");
  return count;
}

}  // namespace

Result<void> run_xml(const Context& context) {
  xmlSetGenericErrorFunc(nullptr, say_nothing);
  leash::fs::MemoryFS memory;
  leash::fs::FaultFS faulty(memory);
  leash::fs::TrackedFS files(faulty);
  if (auto written = write(context, files); !written) return written;
  const auto document = leash::fs::read_file(Context(), memory, path);
  leash::fault::expect(context, document && document->ends_with("</list>\n"), "what is told to be written is whole");
  const auto count = read(context, files);
  if (!count) return std::unexpected(count.error());
  leash::fault::expect(context, *count == items, "what is read is what was written");
  return {};
}

leash::fault::SweepOptions xml_options() {
  leash::fault::SweepOptions options{.faults_per_run = 1};
  auto faults = options.faults.of("File::write");
  faults.push_back({.effect = leash::fault::Effect::full});
  options.faults.set("File::write", std::move(faults));
  return options;
}

}  // namespace sweep_foreign
