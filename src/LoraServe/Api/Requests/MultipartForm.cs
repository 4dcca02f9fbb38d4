using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LoraServe.Api.Requests;

/// <summary>A part of a multipart form, which must be read before the next one.</summary>
/// <param name="Field">Its name; empty if it has none.</param>
/// <param name="FileName">As the client sent it; empty if it is not a file.</param>
/// <param name="Body">What it holds.</param>
internal sealed record MultipartPart(string Field, string FileName, Stream Body);

/// <summary>Reads multipart forms part by part, so that their files can be streamed to disk.</summary>
internal static class MultipartForm
{
    // RFC 2046, section 5.1.1.
    private const int MaxBoundaryLength = 70;

    /// <summary>Yields each part in the order of the form.</summary>
    /// <param name="request">Its body is the form.</param>
    /// <param name="maxParts">Most parts of it.</param>
    /// <param name="expected">What the form should be, for messages.</param>
    /// <param name="read">Reads a part.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidRequestException">It is not a valid form.</exception>
    public static async Task ReadAsync(
        HttpRequest request, int maxParts, string expected, Func<MultipartPart, Task> read, CancellationToken cancellationToken)
    {
        var reader = new MultipartReader(Boundary(request, expected), request.Body);
        try
        {
            for (var parts = 0; await reader.ReadNextSectionAsync(cancellationToken) is { } section; parts++)
            {
                if (parts == maxParts) throw new InvalidRequestException(null, $"The form has more than {maxParts} parts: {expected}");
                var header = section.GetContentDispositionHeader();
                await read(new MultipartPart(Unquote(header?.Name), Unquote(FileName(header)), section.Body));
            }
        }
        catch (InvalidDataException e)
        {
            throw new InvalidRequestException(null, $"The form is broken: {e.Message}");
        }
        // The form reader throws this for a missing end too; disk errors carry the system's code.
        catch (IOException e) when (e.HResult == new IOException().HResult && e is not BadHttpRequestException && e.InnerException is not OverflowException)
        {
            throw new InvalidRequestException(null, $"The form ends before its closing boundary: {expected}");
        }
    }

    private static string Boundary(HttpRequest request, string expected)
    {
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).ToString()
            : "";
        if (boundary.Length == 0) throw new InvalidRequestException(null, $"The body is not a multipart form: {expected}");
        return boundary.Length <= MaxBoundaryLength
            ? boundary
            : throw new InvalidRequestException(null, $"The form's boundary has more than {MaxBoundaryLength} characters");
    }

    private static StringSegment? FileName(ContentDispositionHeaderValue? header) =>
        header is { FileNameStar.HasValue: true } ? header.FileNameStar : header?.FileName;

    private static string Unquote(StringSegment? text) =>
        text is { } some ? HeaderUtilities.RemoveQuotes(some).ToString() : "";
}
