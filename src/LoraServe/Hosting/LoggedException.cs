using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text;
using LoraServe.Api.Requests;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Faults;

namespace LoraServe.Hosting;

/// <summary>
/// An exception as it stands in the log: kinds and places of the whole chain, and messages only where they are of the machine. Those of
/// others may quote what a request or a file holds, which is nobody's business but its owner's.
/// </summary>
internal sealed class LoggedException(Exception exception) : Exception
{
    private const int MostInner = 8;

    /// <summary>The kind of an exception, and its message where that quotes nobody.</summary>
    public static string Describe(Exception exception) => IsOfMachine(exception)
        ? $"{exception.GetType().Name}: {ControlCharacters.Escape(FaultText.Limit(exception.Message))}"
        : exception.GetType().Name;

    public override string ToString()
    {
        var text = new StringBuilder();
        var (inner, left) = (exception, MostInner);
        for (; inner is not null && left > 0; inner = inner.InnerException, left--)
            text.AppendLine(Describe(inner)).AppendLine(inner.StackTrace);
        return text.ToString().TrimEnd();
    }

    private static bool IsOfMachine(Exception exception) => exception is IOException or UnauthorizedAccessException or DbException
        or ExternalException or OutOfMemoryException or DllNotFoundException or GenerationFailedException;
}
