using LoraServe.Engine.Adapters;
using LoraServe.Hosting;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace LoraServe.Adapters;

/// <summary>Reads the multipart form of an upload part by part, in any order, and streams each file to disk.</summary>
internal static class AdapterForm
{
    private const int MaxNameLength = 256;
    // RFC 2046, section 5.1.1.
    private const int MaxBoundaryLength = 70;
    private const int MaxParts = 64;
    private const string Expected =
        "expected a form with the parts name and file (a zip, tar or tar.gz), or name and files (the two PEFT files)";

    /// <param name="request">Its body is the form.</param>
    /// <param name="upload">Receives the files.</param>
    /// <param name="checkName">Refuses a name, before the files are read where the name comes first.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The adapter's name.</returns>
    /// <exception cref="InvalidRequestException">The form is broken or lacks a part.</exception>
    /// <exception cref="InvalidAdapterException">A file is refused.</exception>
    public static async Task<string> ReadAsync(
        HttpRequest request, AdapterUpload upload, Action<string> checkName, CancellationToken cancellationToken)
    {
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).ToString()
            : "";
        if (boundary.Length == 0) throw new InvalidRequestException(null, $"The body is no multipart form: {Expected}");
        if (boundary.Length > MaxBoundaryLength)
            throw new InvalidRequestException(null, $"The form's boundary has more than {MaxBoundaryLength} characters");
        var reader = new MultipartReader(boundary, request.Body);
        string? name = null;
        var archives = 0;
        var files = 0;
        try
        {
            for (var parts = 0; await reader.ReadNextSectionAsync(cancellationToken) is { } section; parts++)
            {
                if (parts == MaxParts) throw new InvalidRequestException(null, $"The form has more than {MaxParts} parts: {Expected}");
                var part = section.GetContentDispositionHeader();
                switch (part is null ? "" : HeaderUtilities.RemoveQuotes(part.Name).ToString())
                {
                    case "name" when name is null:
                        name = await ReadNameAsync(section.Body, cancellationToken);
                        if (name.Length > 0) checkName(name);
                        break;
                    case "file" when archives++ == 0 && files == 0:
                        await upload.ReadArchiveAsync(section.Body, cancellationToken);
                        break;
                    case "files" when archives == 0:
                        files++;
                        await upload.ReadFileAsync(FileName(part!), section.Body, cancellationToken);
                        break;
                    case "name":
                        throw new InvalidRequestException("name", $"is there twice: {Expected}");
                    case "file" or "files":
                        throw new InvalidRequestException("file", $"is there twice, or together with files: {Expected}");
                    case var other:
                        throw new InvalidRequestException(null, $"The form has an unknown part '{other}': {Expected}");
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw new InvalidRequestException(null, $"The form is broken: {e.Message}");
        }
        // The reader of forms has no other name for a missing end; faults of the disk carry the system's code.
        catch (IOException e) when (e.HResult == new IOException().HResult && e is not BadHttpRequestException)
        {
            throw new InvalidRequestException(null, $"The form ends before its closing boundary: {Expected}");
        }

        var missing = new List<RequestFault>();
        if (string.IsNullOrEmpty(name)) missing.Add(new RequestFault("name", $"is missing: {Expected}"));
        if (archives + files == 0) missing.Add(new RequestFault("file", $"is missing: {Expected}"));
        return missing.Count == 0 ? name! : throw new InvalidRequestException(missing);
    }

    private static string FileName(ContentDispositionHeaderValue part) =>
        HeaderUtilities.RemoveQuotes(part.FileNameStar.HasValue ? part.FileNameStar : part.FileName).ToString();

    private static async Task<string> ReadNameAsync(Stream body, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(body);
        var buffer = new char[MaxNameLength + 1];
        var length = await reader.ReadBlockAsync(buffer, cancellationToken);
        return length <= MaxNameLength
            ? new string(buffer, 0, length)
            : throw new InvalidRequestException("name", $"expected at most {MaxNameLength} characters");
    }
}
