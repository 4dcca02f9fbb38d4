using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Reports;

/// <summary>How reports are written as JSON: as the API's answers, over several lines.</summary>
internal static class ReportJson
{
    public static JsonSerializerOptions Options { get; } = new(ApiJson.Options) { WriteIndented = true };
}
