#include "server/admission.h"

#include <gtest/gtest.h>

#include "server/access.h"

namespace molgen3d {
namespace {

TEST(Admission, HasSoManyPlaces) {
  const auto admission = std::make_shared<Admission>(2);
  auto first = admission->enter();
  const auto second = admission->enter();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(admission->enter(), nullptr);
  EXPECT_EQ(admission->inside(), 2U);
  EXPECT_GE(admission->retry_after(), 1U);
  first.reset();
  EXPECT_EQ(admission->inside(), 1U);
  EXPECT_NE(admission->enter(), nullptr);
  EXPECT_LE(admission->retry_after(), 60U);
}

HttpRequest head(const std::string& host, const std::string& origin = "",
                 const std::string& authorization = "") {
  HttpRequest out;
  out.host = host;
  out.origin = origin;
  out.authorization = authorization;
  return out;
}

unsigned refused(const HttpRequest& request, const ServerSettings& settings, bool work = true) {
  const auto answer = refuse_access(request, settings, work);
  return answer ? answer->status : 200;
}

TEST(Access, LoopbackAnswersToItsOwnNamesOnly) {
  const ServerSettings settings;
  for (const char* host : {"localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"})
    EXPECT_EQ(refused(head(host), settings), 200U) << host;
  for (const char* host : {"", "example.org", "localhost.example.org:8000", "10.0.0.1"})
    EXPECT_EQ(refused(head(host), settings), 421U) << host;
}

TEST(Access, PagesOfOtherOriginsAreRefused) {
  const ServerSettings settings;
  EXPECT_EQ(refused(head("localhost:8000", "http://localhost:8000"), settings), 200U);
  for (const char* origin : {"null", "http://localhost:9000", "https://example.org",
                             "http://localhost:8000.example.org"})
    EXPECT_EQ(refused(head("localhost:8000", origin), settings), 403U) << origin;
}

TEST(Access, TheTokenIsCompared) {
  ServerSettings settings;
  settings.address = "0.0.0.0";
  settings.token = "0123456789abcdef";
  EXPECT_EQ(refused(head("any", "", "Bearer 0123456789abcdef"), settings), 200U);
  EXPECT_EQ(refused(head("any"), settings, false), 200U);  // an open path
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "0123456789abcdef",
                            "Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0",
                            "Bearer 0123456789abcdef0123456789abcdef"})
    EXPECT_EQ(refused(head("any", "", wrong), settings), 401U) << wrong;
}

}  // namespace
}  // namespace molgen3d
