using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Reports;

/// <summary>JSON options of reports: those of the API's responses, indented.</summary>
internal static class ReportJson
{
    public static JsonSerializerOptions Options { get; } = new(ApiJson.Options) { WriteIndented = true };
}
