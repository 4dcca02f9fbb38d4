using Microsoft.Data.Sqlite;

namespace LoraServe.Engine.Storage;

/// <summary>Distinguishes a full disk from other faults.</summary>
public static class InsufficientStorage
{
    // ENOSPC and EDQUOT: on Unix, .NET reports errno where Windows has its own codes.
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;
    private const int DiskFull = unchecked((int)0x80070070);
    private const int HandleDiskFull = unchecked((int)0x80070027);

    private const int SqliteFull = 13;
    private const int SqliteNoSharedMemory = 4874;

    /// <summary>Whether an exception says that the disk, or the user's quota, is full.</summary>
    public static bool IsCauseOf(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is SqliteException { SqliteErrorCode: SqliteFull } or SqliteException { SqliteExtendedErrorCode: SqliteNoSharedMemory }) return true;
            if (cause is IOException { HResult: DiskFull or HandleDiskFull }) return true;
            if (cause is IOException { HResult: NoSpace or QuotaExceeded } && !OperatingSystem.IsWindows()) return true;
        }

        return false;
    }
}
